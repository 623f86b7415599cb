"""Arguments of Ibis's nodes bound by our loop are bound as Ibis binds them, and so the questions are the same."""

from datetime import date

import ibis
import pytest
from ibis.common.annotations import Signature, SignatureValidationError
from random_company import random_company
from recomputed import all_tables

import crmtools as crm
from crmtools import CATALOGUE, questions
from crmtools.estimating import computable, resolve
from crmtools.tables import binding
from crmtools.tables.statement import statement


@pytest.fixture(scope="module")
def data() -> crm.Data:
    return crm.open(**all_tables(random_company(3), 3), as_of=date(2025, 12, 31))


@pytest.fixture
def plainly(monkeypatch):
    """Bind by the loop in this test, and count how often Ibis had to."""
    whole = []
    monkeypatch.setattr(binding, "_WHOLE", lambda *asked: whole.append(asked) or binding_of_ibis(*asked))
    monkeypatch.setattr(Signature, "validate", binding_of_ibis)
    binding.bind_plainly()
    assert Signature.validate is binding._validate, "this version of Ibis is not the one that the loop was written for"
    return whole


binding_of_ibis = Signature.validate


def texts(data: crm.Data) -> dict[str, str]:
    made = {}
    for name, item in CATALOGUE.items():
        if not computable(name, data):
            continue
        facts = questions._facts(item, data, (data.period, data.period.previous()), resolve(item, data, {}), (), {}, {})
        asked = item.kind.query(facts, ("period", "excluded"), unique=item.unique)
        made[name] = statement(asked, data.backend)
    return made


def test_every_question_of_the_catalogue_is_the_same_question(data, plainly, monkeypatch) -> None:
    ours = texts(data)
    monkeypatch.setattr(Signature, "validate", binding_of_ibis)
    assert ours == texts(data)
    assert len(ours) > 60


def test_what_does_not_fit_is_told_by_ibis(plainly) -> None:
    table = ibis.table({"a": "int64", "b": "string"}, name="t")
    assert (table.a + 1).op() == ibis.expr.operations.Add(table.a, right=1)
    assert (table.a + 1).op() == ibis.expr.operations.Add(left=table.a, right=1)
    assert plainly == []
    for wrong in (
        lambda: ibis.expr.operations.Add(table.a),
        lambda: ibis.expr.operations.Add(table.a, 1, 2),
        lambda: ibis.expr.operations.Add(table.a, 1, left=2),
        lambda: ibis.expr.operations.Add(table.a, 1, beside=2),
        lambda: ibis.expr.operations.Add(table.b, 1),
    ):
        with pytest.raises(SignatureValidationError) as ours:
            wrong()
        assert len(plainly) == 1
        plainly.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Signature, "validate", binding_of_ibis)
            with pytest.raises(SignatureValidationError) as theirs:
                wrong()
        assert str(ours.value) == str(theirs.value)


def test_defaults_and_several_arguments_are_bound_as_ever(plainly) -> None:
    def made() -> list[object]:
        table = ibis.table({"a": "int64", "b": "string"}, name="t")
        texts = [table.b.substr(1), table.b.substr(1, 2)]
        return [one.op() for one in (*texts, ibis.coalesce(table.a, 1, 2), table.a.isin([1, 2]), ibis.literal(None))]

    ours = made()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Signature, "validate", binding_of_ibis)
        assert made() == ours


def test_another_version_is_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(Signature, "validate", binding_of_ibis)
    monkeypatch.setattr(ibis, "__version__", "13.0.0")
    binding.bind_plainly()
    assert Signature.validate is binding_of_ibis
