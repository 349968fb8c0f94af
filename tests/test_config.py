"""Settings: options win over the environment, and a wrong one stops with a sentence."""

import pytest
from competency_graph.config import Settings, setting_fields
from competency_graph.errors import BadSetting


def test_options_win_over_the_environment() -> None:
    environ = {"COMPETENCY_GRAPH_QUERY_TIMEOUT": "3", "COMPETENCY_GRAPH_QUEUE": "5"}
    settings = Settings.load(environ, {"query_timeout": "500 ms"})
    assert (settings.query_timeout, settings.queue) == (0.5, 5)
    origins = Settings.origins(environ, {"query_timeout": "500 ms"})
    assert origins["query_timeout"] == "option"
    assert origins["queue"] == "environment"
    assert origins["bind"] == "default"


def test_settings_survive_the_way_through_the_environment() -> None:
    settings = Settings.load(
        {}, {"kill_limit": "off", "trusted_proxies": "10.0.0.0/8, ::1", "max_body": "1 GB"}
    )
    assert Settings.load(settings.environment()) == settings
    assert settings.kill_limit is None
    assert settings.max_body == 1_000_000_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUERY_TIMEOUT", "soon"),
        ("QUERY_TIMEOUT", "0"),
        ("QUERY_MEMORY", "-1 MB"),
        ("READERS", "0"),
        ("READERS", "65"),
        ("KILL_LIMIT", "never"),
        ("UNION_DEFAULT", "maybe"),
        ("SEED", "all"),
        ("BASE", "https://example.org"),
        ("BIND", "8000"),
        ("TRUSTED_PROXIES", "the office"),
        ("DATABASE", "competency-graph.db"),
    ],
)
def test_an_impossible_value_is_named_with_what_would_do(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Settings.load({f"COMPETENCY_GRAPH_{name}": value})
    assert f"COMPETENCY_GRAPH_{name} cannot be “{value}”. Give " in caught.value.detail


def test_a_misspelt_name_is_told_with_the_right_one() -> None:
    with pytest.raises(BadSetting, match="Did you mean COMPETENCY_GRAPH_QUERY_TIMEOUT"):
        Settings.load({"COMPETENCY_GRAPH_QUERY_TIMOUT": "3"})


def test_every_setting_says_what_it_means() -> None:
    assert len(setting_fields()) >= 17
    assert all(setting.metadata["help"] for setting in setting_fields())
