"""crmtools: does a company reach its customer-relationship goals, by how much not, and how sure is that?"""

__version__ = "0.1.0"
