"""All targets by name. Each reader of untrusted bytes has one."""

from fuzz import bundles, bundles_version_2, facts, form, format_2, openpgp, texts, work
from fuzz.control import BROKEN
from fuzz.target import Target

ALL: tuple[Target, ...] = (
    form.POSTED_FORM,
    form.FORM_TOKEN,
    form.TYPED_CODENAME,
    form.CODENAME_IN_TEXT,
    form.IDENTIFIERS,
    form.ANSWERS,
    openpgp.WHOM,
    openpgp.WHERE,
    openpgp.PIECES,
    openpgp.PUBLIC_KEY,
    openpgp.ARMORED_KEY,
    openpgp.SIGNATURE,
    openpgp.SIGNED_FIELDS,
    bundles.MEMBERS,
    bundles.EXPORT_BUNDLE,
    bundles.SIGNED_MANIFEST,
    bundles_version_2.EXPORT_HEAD,
    bundles_version_2.SIGNED_HEAD,
    bundles_version_2.EXPORT_VOLUME,
    bundles_version_2.REPLY_BUNDLE,
    bundles_version_2.SIGNED_REPLIES,
    bundles_version_2.SUCCESSOR_STATEMENT,
    work.WORK_BUNDLE,
    work.SIGNED_WORK,
    work.CLOSED_LAYERS,
    texts.REPORT,
    texts.PADDED_REPORT,
    texts.REPLY,
    texts.SEALED_REPLY,
    format_2.BLOCK_PAYLOAD,
    format_2.DAY_KEY_RECORD,
    format_2.WEEKLY_FILE,
    format_2.REPLY_OF_VERSION_2,
    format_2.SEALED_REPLY_OF_VERSION_2,
    facts.FACT_FORM,
    facts.FACT_DATE,
    facts.KEPT_SOURCE,
)
BY_NAME = {target.name: target for target in (*ALL, BROKEN)}
