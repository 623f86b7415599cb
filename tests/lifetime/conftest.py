from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
import yaml

from crmtools.lifetime import BetaGeo, GammaGamma, calibration_holdout

CALIBRATION, HOLDOUT = date(1997, 9, 30), date(1998, 6, 30)


@pytest.fixture(scope="session")
def reference():
    return yaml.safe_load((Path(__file__).parents[1] / "reference" / "lifetime.yaml").read_text("utf-8"))


@pytest.fixture(scope="session")
def cdnow():
    """CDNOW 1/10 sample as neutral orders; the file is found without importing lifetimes, which warns."""
    folder = Path(find_spec("lifetimes").submodule_search_locations[0])
    raw = pd.read_csv(
        folder / "datasets" / "CDNOW_sample.txt",
        sep=r"\s+",
        header=None,
        names=["master", "sample", "day", "cds", "dollars"],
        dtype={"sample": str, "day": str},
    )
    ordered_at = pd.to_datetime(raw["day"], format="%Y%m%d")
    return pd.DataFrame({"customer_id": raw["sample"], "ordered_at": ordered_at, "net_amount": raw["dollars"]})


@pytest.fixture(scope="session")
def split(cdnow):
    return calibration_holdout(cdnow, calibration_until=CALIBRATION, holdout_until=HOLDOUT, unit="weeks")


@pytest.fixture(scope="session")
def summary(split):
    return split.calibration


@pytest.fixture(scope="session")
def beta_geo(summary):
    return BetaGeo.fit(summary)


@pytest.fixture(scope="session")
def gamma_gamma(summary):
    return GammaGamma.fit(summary)
