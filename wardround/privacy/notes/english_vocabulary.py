"""What a capitalised word in an English note may be other than a name: an ordinary word, a drug, a thing named so."""

import re

from wardround.contents.text_lists import listed
from wardround.privacy.notes.english_words import CREDENTIALS, DRUGS, EPONYMS, NEVER, STATES

_DRUG = re.compile(
    r"(?:pril|sartan|statin|olol|azole|mycin|cillin|cycline|floxacin|mab|nib|vir|prazole|tidine|setron|gliptin|gliflozin"
    r"|glutide|formin|parin|xaban|gatran|pine|zepam|zolam|barbital|triptan|caine|sone|solone|onide|terol|phylline|thiazide"
    r"|amide|semide|oxetine|pram|traline|azine|peridol|idone|codone|morphone|fentanil|profen|coxib|dronate|tropium|kinra"
    r"|emia|itis|osis|oma|pathy|ectomy|otomy|ostomy|scopy|gram|graphy|plasty|uria|algia|plegia|penia|genic)\Z"
)
_PREFIX = re.compile(
    r"(?:anti|bi|broncho|cardio|cholecysto|costo|endo|extra|gastro|hemi|hepato|hydro|hyper|hypo|infra|inter|intra|micro|multi"
    r"|naso|neuro|non|osteo|over|para|peri|pneumo|post|pre|pseudo|re|retro|semi|sub|supra|thoraco|trans|tri|un|uni)-?"
)
_SUFFIX = re.compile(r"(?:y|ed|ing|ly|ness|er|al|ion|ic|ous|like)\Z")


def is_word(plain: str) -> bool:
    """Whether *plain* (lower case) is an ordinary word, also as a plural or a possessive."""
    words = listed("words_en")
    return plain in words or (plain.endswith("s") and plain[:-1] in words) or all(p in words for p in plain.split("-"))


def is_name(plain: str) -> bool:
    """Whether *plain* is a given name or a surname that the lists hold."""
    return plain in listed("given_names_us") or plain in listed("surnames_us")


def is_known(plain: str) -> bool:
    """Whether a capitalised word may stay wherever it stands."""
    bare = plain.removesuffix("'s").removesuffix("’s").replace("'", "").replace("’", "")
    return len(plain) < 3 or bare in EPONYMS or bare in DRUGS or bare in STATES or bare in NEVER or bare in CREDENTIALS


def derived(plain: str) -> bool:
    """Whether a word is made of one that is listed: bibasilar, hyperinflated, streaky."""
    words = listed("words_en")
    prefix, suffix = _PREFIX.match(plain), _SUFFIX.search(plain)
    return bool(
        (prefix and len(plain) - prefix.end() > 3 and plain[prefix.end() :] in words)
        or (suffix and suffix.start() > 3 and plain[: suffix.start()] in words)
    )


def is_drug_or_finding(plain: str) -> bool:
    """Whether a word ends as the names of drugs and of findings do."""
    return _DRUG.search(plain) is not None
