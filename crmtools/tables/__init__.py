"""The neutral schema, and the door that data come through."""

from crmtools.tables import contact, customers, finance, sales, trade, voice
from crmtools.tables.schema import Column, Table

TABLES: dict[str, Table] = {
    table.name: table
    for subject in (customers, trade, finance, voice, contact, sales)
    for table in vars(subject).values()
    if isinstance(table, Table)
}
"""Every neutral table by name. All are optional: what is missing makes some indicators not computable, no more."""

__all__ = ["TABLES", "Column", "Table"]
