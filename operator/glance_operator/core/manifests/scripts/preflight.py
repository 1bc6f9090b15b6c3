# mypy: ignore-errors
"""Runs in Glance's own container, before a configuration reaches the service: Glance itself has to accept it.

Ends with 0, with 42 when only another configuration helps, or with 1 when a later attempt may go better. Its last words
(JSON when all is well) are what the operator reads.
"""

import json
import os
import ssl
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import glance_store
import sqlalchemy
from glance.common import config, wsgi_app
from glance.version import version_info
from keystoneauth1 import exceptions, loading, session
from oslo_config import cfg
from oslo_db import options as database
from stevedore import driver as drivers_of

CONFIG = Path(os.environ["OS_GLANCE_CONFIG_DIR"])
FILES = [str(CONFIG / name) for name in ("glance-image-import.conf", "glance-api.conf")]
LAST_WORDS = Path(os.environ.get("TERMINATION_LOG", "/dev/termination-log"))
# Who lists options that Glance's process reads; its other programs have files of their own.
COMMON = (cfg.StrOpt("store_description"), cfg.IntOpt("weight"))
LISTED = (
    "glance.api",
    "glance.cache",
    "glance.store",
    "glance",
    "keystonemiddleware.auth_token",
    "oslo.",
    "osprofiler",
    "castellan.config",
)


class RefusedError(Exception):
    """Only another configuration helps."""


def read():
    """The configuration as the service reads it."""
    config.set_config_defaults()
    try:
        cfg.CONF([], project="glance", prog="glance-api", default_config_files=FILES)
    except cfg.Error as error:
        raise RefusedError(f"Glance cannot read its configuration: {error}") from error
    return cfg.CONF


def everything(conf):
    """The same files, in a configuration that knows every option of this installation, those of the stores included."""
    known = cfg.ConfigOpts()
    known([], default_config_files=FILES, default_config_dirs=[])
    for entry in entry_points(group="oslo.config.opts"):
        if entry.name == "glance" or entry.name.startswith(LISTED):
            for group, options in entry.load()():
                register(known, options, str(group) if group else None)
    for store, driver in {**(conf.enabled_backends or {}), **wsgi_app.RESERVED_STORES}.items():
        register(known, options_of(driver), store)
    for section, options in written(FILES[-1]).items():
        if "auth_type" in options:  # which options there are depends on it
            register(known, loading.get_auth_common_conf_options(), section)
            register(known, loading.get_auth_plugin_conf_options(options["auth_type"][0]), section)
    return known


def register(known, options, group):
    """Two libraries may list the same option in slightly different words: the first one counts."""
    for option in options:
        try:
            known.register_opt(option, group=group)
        except cfg.DuplicateOptError:
            continue


def options_of(driver):
    """What a store of this kind takes."""
    try:
        found = drivers_of.DriverManager("glance_store.drivers", driver, invoke_on_load=False).driver
    except Exception as error:
        raise RefusedError(f"Glance has no store driver {driver}: {error}") from error
    return [*COMMON, *(found.OPTIONS or ())]


def written(file):
    """Section -> option -> values, as they stand in the file."""
    sections = {}
    cfg.ConfigParser(file, sections).parse()
    return sections


def check_options(known):
    """Glance passes over what it does not know, and stumbles on values long after its start."""
    unknown = []
    for file in FILES:
        for section, options in written(file).items():
            unknown += [f"[{section}] {option}" for option in options if not check_value(known, section, option)]
    if unknown:
        raise RefusedError(f"Glance does not know: {', '.join(sorted(unknown))}")


def check_value(known, section, option):
    """Whether the option is known. Names may be old ones: then the new one has the value."""
    try:
        group = known if section == "DEFAULT" else known[section]
        getattr(group, option.replace("-", "_"))
    except cfg.NoSuchOptError:
        return (section, option.replace("-", "_")) in old_names()
    except ValueError as error:
        raise RefusedError(f"[{section}] {option}: {error}") from error
    return True


@cache
def old_names():
    """(section, option) of all that go by another name now."""
    found = set()
    for entry in entry_points(group="oslo.config.opts"):
        if entry.name == "glance" or entry.name.startswith(LISTED):
            for group, options in entry.load()():
                here = str(group or "DEFAULT")
                found |= {(old.group or here, old.name or one.dest) for one in options for old in one.deprecated_opts}
    return {(group, name.replace("-", "_")) for group, name in found}


def check_database(conf):
    database.set_defaults(conf)
    try:
        engine = sqlalchemy.create_engine(conf.database.connection)
    except Exception as error:  # the words of some versions quote the connection, password and all
        said = str(error) if isinstance(error, ImportError) else type(error).__name__
        raise RefusedError(
            f"The connection to the database is not one that Glance can use ({said}): it is written"
            " mysql+pymysql://user:password@host/database"
        ) from None
    shown = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("select 1"))
    except sqlalchemy.exc.DBAPIError as error:
        raise ConnectionError(f"The database {shown} cannot be used: {error.orig}") from error


def check_stores(conf):
    glance_store.register_store_opts(conf, reserved_stores=wsgi_app.RESERVED_STORES)
    glance_store.create_multi_stores(conf, reserved_stores=wsgi_app.RESERVED_STORES)
    glance_store.verify_store()


def check_keystone(known):
    """A token for Glance's own user: nobody could be recognised without."""
    if "keystone" not in (known.paste_deploy.flavor or ""):
        return
    given = known.keystone_authtoken
    options = [option.dest for option in loading.get_auth_plugin_conf_options(given.auth_type)]
    values = {name: value for name in options if (value := getattr(given, name)) is not None}
    auth = loading.get_plugin_loader(given.auth_type).load_from_options(**values)
    try:
        session.Session(auth, verify=given.cafile or True).get_token()
    except exceptions.HttpError as error:
        words = f"Keystone does not take Glance's credentials: {error.message} (HTTP {error.http_status})"
        raise ConnectionError(words) from error
    except exceptions.ClientException as error:
        raise ConnectionError(f"Keystone at {given.auth_url} cannot be asked: {error}") from error


def check_tls():
    """Whether the server could serve with it; a key that wants a password is none."""
    pair = CONFIG / "tls.crt", CONFIG / "tls.key"
    if not pair[0].exists():
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*pair, password="")
    except ssl.SSLError as error:
        raise RefusedError(f"tls.crt and tls.key (spec.tls.secretName) cannot be used together: {error}") from error


def prove():
    conf = read()
    check_tls()
    known = everything(conf)
    check_options(known)
    check_stores(conf)
    check_database(conf)
    check_keystone(known)
    return {"release": version_info.version_string()}


def main():
    try:
        told, code = json.dumps(prove()), 0
    except RefusedError as error:
        told, code = str(error), 42
    except Exception as error:
        told, code = f"{type(error).__name__}: {error}" if not isinstance(error, ConnectionError) else str(error), 1
    sys.stdout.write(f"{told}\n")
    LAST_WORDS.write_text(told[:4000])
    return code


if __name__ == "__main__":
    sys.exit(main())
