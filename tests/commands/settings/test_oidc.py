"""`[[oidc]]` in the config file: the allowed values of each key, where the secret comes from, and what is shown."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.backends import CannotStart
from placed.commands.settings.asked_for import provider_secrets
from placed.commands.settings.config_file import ConfigError, read_config_file
from placed.commands.settings.oidc import (
    MOST_PROVIDERS,
    ProviderSettings,
    WrongProvider,
    is_secret,
    providers_of,
    with_secrets,
)
from placed.commands.settings.setting import SettingError
from placed.commands.settings.values import Settings
from placed.process.exit_codes import ExitCode
from tests.support.placed_command import Done, run_placed

TABLE: Final[dict[str, Any]] = {"name": "school", "issuer": "https://id.test", "client_id": "canvas"}


def one(**change: object) -> ProviderSettings:
    """A provider's settings from a table; None leaves a key out."""
    table = {key: value for key, value in (TABLE | change).items() if value is not None}
    (provider,) = providers_of([table], {0: 3})
    return provider


def test_table_makes_a_provider() -> None:
    provider = one()
    assert provider == ProviderSettings("school", "school", "oidc", "https://id.test", "canvas", None, 3)
    assert provider.secret_variable == "PLACED_OIDC_SCHOOL_SECRET"
    assert one(name="my-school", title=" My school ").title == "My school"
    assert one(name="my-school").secret_variable == "PLACED_OIDC_MY_SCHOOL_SECRET"
    assert one(client_secret_file="/run/secret").client_secret_file == Path("/run/secret")


def test_discord_needs_no_issuer() -> None:
    assert one(kind="discord", issuer=None).issuer == "https://discord.com"


def test_keys_may_have_either_dash() -> None:
    assert providers_of([{"name": "a", "issuer": "https://id.test", "client-id": "b"}], {})[0].client_id == "b"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": None}, "[[oidc]] name: missing; allowed is 1 to 32 small letters"),
        ({"name": "School"}, "name: 'School'; allowed"),
        ({"name": "a/b"}, "name: 'a/b'"),
        ({"name": ".."}, "name: '..'"),
        ({"name": ""}, "name: ''"),
        ({"name": "-a"}, "name: '-a'"),
        ({"name": 5}, "name: 5"),
        ({"issuer": None}, "[[oidc]] 'school' issuer: missing; allowed is the provider's URL"),
        ({"issuer": "http://id.test"}, "issuer: 'http://id.test'"),
        ({"issuer": "id.test"}, "issuer: 'id.test'"),
        ({"issuer": "https://id.test?x=1"}, "issuer"),
        ({"issuer": ["https://id.test"]}, "issuer"),
        ({"client_id": None}, "client_id: missing"),
        ({"client_id": ""}, "client_id: ''"),
        ({"client_id": "é"}, "client_id"),
        ({"client_id": 7}, "client_id: 7"),
        ({"title": ""}, "title: ''; allowed is 1 to 64"),
        ({"title": "a" * 65}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"title": 1}, "title: 1"),
        ({"kind": "saml"}, "kind: 'saml'; allowed is oidc or discord"),
        ({"kind": ["oidc"]}, "kind"),
        ({"client_secret": "hush"}, "client_secret: no such key; allowed is each once: name,"),
        ({"client_secret_file": 5}, "client_secret_file: 5; allowed is a file"),
        ({"client_secret_file": ""}, "client_secret_file"),
        ({"client-id": "b"}, "client-id: twice"),
    ],
)
def test_wrong_key_is_told_with_the_provider_the_value_and_what_is_allowed(change: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongProvider) as error:
        one(**change)
    assert words in str(error.value)
    assert "hush" not in str(error.value)


@pytest.mark.parametrize("tables", [5, "a", {}, {"name": "a"}, [5], [TABLE, "a"], True])
def test_what_is_no_list_of_tables_is_refused(tables: object) -> None:
    with pytest.raises(WrongProvider, match="allowed are tables"):
        providers_of(tables, {})


def test_names_differ_also_as_variables_and_there_are_so_many() -> None:
    names = [{"name": f"a{number}"} for number in range(MOST_PROVIDERS + 1)]
    assert len(providers_of([TABLE | name for name in names[:-1]], {})) == MOST_PROVIDERS
    with pytest.raises(WrongProvider, match="17 of them; allowed are 16"):
        providers_of([TABLE | name for name in names], {})
    with pytest.raises(WrongProvider, match="'school' twice"):
        providers_of([TABLE, TABLE], {})


def test_secret_comes_from_one_place() -> None:
    of_variable, of_file = one(), one(client_secret_file="secret")
    variable = {"PLACED_OIDC_SCHOOL_SECRET": "hush"}
    assert with_secrets((of_variable,), variable)[0].client_secret == "hush"
    assert with_secrets((of_file,), {})[0].client_secret is None
    for provider, environment, words in ((of_variable, {}, "no secret"), (of_file, variable, "two secrets")):
        with pytest.raises(WrongProvider, match=f"'school': {words}; .* PLACED_OIDC_SCHOOL_SECRET"):
            with_secrets((provider,), environment)


def test_secret_is_never_told() -> None:
    provider = with_secrets((one(),), {"PLACED_OIDC_SCHOOL_SECRET": "hush"})[0]
    assert "hush" not in repr(provider)
    with pytest.raises(WrongProvider) as error:
        with_secrets((one(),), {"PLACED_OIDC_SCHOOL_SECRET": "hush\n"})
    assert "hush" not in str(error.value)
    assert not is_secret("")


@given(st.dictionaries(st.sampled_from([*TABLE, "title", "kind", "client_secret_file"]), st.text() | st.integers()))
def test_any_table_is_taken_or_refused(change: dict[str, Any]) -> None:
    try:
        provider = one(**change)
    except WrongProvider:
        return
    assert provider.secret_variable.isascii()


def settings_of(folder: Path, provider: ProviderSettings) -> Settings:
    """The settings of a server with this provider."""
    return Settings(data=folder, sign_in="oidc", providers=(provider,))


def test_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    settings = settings_of(tmp_path, one(client_secret_file=str(path)))
    for content in (b"hush", b"hush\n", b"hush\r\n# ours\n"):
        path.write_bytes(content)
        assert provider_secrets(settings) == {"school": "hush"}
    for content in (b"", b"\nhush", b"hu sh", b"h\xc3\xbcsh", b"a" * 1_025):
        path.write_bytes(content)
        with pytest.raises(
            CannotStart, match=r"'school' client_secret_file = .* has no secret in its first line"
        ) as error:
            provider_secrets(settings)
        assert "hu" not in str(error.value).replace(str(path), "")
    path.unlink()
    with pytest.raises(CannotStart, match="can't be read: No such file"):
        provider_secrets(settings)


def test_missing_extra_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(CannotStart, match=r"authlib is missing; .* pip install 'placed\[oidc\]'"):
        provider_secrets(settings_of(tmp_path, with_secrets((one(),), {"PLACED_OIDC_SCHOOL_SECRET": "a"})[0]))
    assert provider_secrets(Settings(data=tmp_path)) == {}


@pytest.mark.parametrize(
    ("mode", "providers"), [("oidc", ()), ("open", (one(),)), ("code", (one(),)), ("proxy", (one(),))]
)
def test_providers_and_their_mode_belong_together(
    mode: str, providers: tuple[ProviderSettings, ...], tmp_path: Path
) -> None:
    more: dict[str, Any] = {"user_header": "Remote-User", "trusted_proxies": ("::1",)} if mode == "proxy" else {}
    with pytest.raises(SettingError, match=rf"'{mode}'; allowed is oidc with providers"):
        Settings(data=tmp_path, sign_in=mode, providers=providers, **more)


def config_of(folder: Path, *, extra: str = "") -> Path:
    """A config file with one provider."""
    path = folder / "placed.toml"
    told = '# ours\nsign-in = "oidc"\n\n[[oidc]]\nname = "school"\nissuer = "https://id.test"\nclient_id = "canvas"\n'
    path.write_text(told + extra, encoding="utf-8")
    return path


def test_config_file_has_them_with_their_lines(tmp_path: Path) -> None:
    config = read_config_file(config_of(tmp_path, extra='[[ "oidc" ]]\nname = "d"\nkind = "discord"\nclient_id = "1"'))
    assert [(provider.name, provider.line) for provider in config.providers] == [("school", 4), ("d", 8)]
    assert config.values == {"sign_in": "oidc"}


def test_error_names_the_file(tmp_path: Path) -> None:
    path = config_of(tmp_path, extra='kind = "saml"\n')
    with pytest.raises(ConfigError, match=r"placed\.toml: \[\[oidc\]\] 'school' kind: 'saml'"):
        read_config_file(path)


def run(config: Path, *arguments: str, **variables: str) -> Done:
    """Run `placed --config CONFIG` with arguments and variables."""
    return run_placed(*arguments, "--config", config, "--data", config.parent / "data", **variables)


def test_check_config_shows_providers_without_secrets_and_can_be_read_again(tmp_path: Path) -> None:
    done = run(config_of(tmp_path), "--check-config", PLACED_OIDC_SCHOOL_SECRET="hush-hush")
    assert (done.code, done.err) == (0, "")
    assert "hush-hush" not in done.out
    assert "PLACED_OIDC_SCHOOL_SECRET is set" in done.out
    assert "/sign-in/oidc/school/callback" in done.out
    (told,) = tomllib.loads(done.out)["oidc"]
    assert told == TABLE | {"title": "school", "kind": "oidc"}


def test_provider_without_a_secret_is_one_clear_line(tmp_path: Path) -> None:
    done = run(config_of(tmp_path), "--check-config")
    assert done.code == ExitCode.BAD_USAGE
    assert done.err.count("\n") == 1
    assert "[[oidc]] 'school': no secret; allowed is one, by client_secret_file or the variable" in done.err


def test_secret_of_no_provider_is_an_unknown_variable_unless_a_command_beside_the_server_runs(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    variables = {"PLACED_OIDC_SCHOOL_SECRET": "a", "PLACED_OIDC_SCHOLL_SECRET": "b"}
    done = run(config, "--check-config", **variables)
    assert "PLACED_OIDC_SCHOLL_SECRET is not a setting; did you mean PLACED_OIDC_SCHOOL_SECRET?" in done.err
    done = run(config, "check", **variables)
    assert "is not a setting" not in done.err
