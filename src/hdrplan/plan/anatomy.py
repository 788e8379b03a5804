"""What structures are, by their names: one table for roles, obstacles of needles and checks of anatomy.

It knows the classes of TotalSegmentator (total, total_mr, liver_vessels, liver_segments, lung_vessels, body), names as
in TG-263, and clinics' names in English, German and French.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

__all__ = ["AnatomyName", "Tissue", "anatomy_of", "is_lesion_name", "nearest_known", "organ_of"]

Tissue = Literal[
    "bone", "lung", "bowel", "gallbladder", "heart", "great vessel", "liver vessel", "spinal cord", "organ", "other"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnatomyName:
    """One row of the table of names.

    Parameters
    ----------
    organ : str
        The organ, or the group that the row stands for.
    tissue : Tissue
        What a needle would hit; "other" is not avoided.
    words : str
        Regular expression of words that say so anywhere in a name. The first row that fits counts.
    whole : str
        Regular expression of whole names that leave no doubt; empty for groups.
    is_risk : bool
        Whether a structure of a DICOM file with this name becomes an organ at risk.
    """

    organ: str
    tissue: Tissue
    words: str
    whole: str = ""
    is_risk: bool = True


def _row(organ: str, tissue: Tissue, words: str, whole: str = "", *, is_risk: bool = True) -> AnatomyName:
    return AnatomyName(organ=organ, tissue=tissue, words=words, whole=whole, is_risk=is_risk)


# Names are compared in small ASCII letters, words apart by one blank ("Kidney_L" is "kidney l").
_TABLE: tuple[AnatomyName, ...] = (
    # Outlines of the patient and what lies outside; the words of the next rows may stand in them.
    _row("outside", "other", r"^(body|external|patient|skin|couch|support|table)", is_risk=False),
    _row(
        "liver vessels",
        "liver vessel",
        r"(liver|hepat\w*|leber\w*|foie).*(vessel|vein|vena|vene|veine|arter|gefas|gefaess|vaisseau)"
        r"|(vein|vena|vene|veine|arter\w*|gefas\w*|vessels?).*(hepat|liver|leber)|^vessels?$|^gefa(e)?ss?e$|^vaisseaux?$",
    ),
    _row("heart", "heart", r"heart|herz|coeur|peri[ck]ard|m[yi]o[ck]ard|atri(um|al)|ventric|cardiac", r"heart|herz"),
    # "pulmonary vein" is a great vessel, "lung vessels" lie in the lung.
    _row("right lung", "lung", r"(?!)",
         r"right lung|lung (right|r|rt)|lung (upper|middle|lower) lobe right|rechte lunge"),
    _row("left lung", "lung", r"(?!)", r"left lung|lung (left|l|lt)|lung (upper|lower) lobe left|linke lunge"),
    _row("lungs", "lung", r"lung|pleur|poumon|trachea|bronch|luftrohre", r"lungs|lunge|lunges"),
    _row("spinal cord", "spinal cord", r"spinal|\bcord\b|myelon|ruckenmark|rueckenmark|moelle|\bcauda",
         r"spinal (cord|canal)|cord|myelon|spinalkanal|r(ue|u)ckenmark"),
    _row("spine", "bone", r"(?!)", r"spine|vertebra(e)?( .{1,4})?|wirbels(ae|a)ule", is_risk=False),
    _row("costal cartilages", "bone", r"(?!)", r"costal cartilages?|rippenknorpel"),
    # One of them is no cage.
    _row("rib", "bone", r"(?!)", r"rib (left|right|l|r) \d+|rippe \d+.*"),
    _row("ribs", "bone", r"\bribs?\b|ribcage|rippe|costal|\bcotes?\b|knorpel|cartilage", r"ribs?|rippen"),
    _row("bones", "bone",
         r"vertebra|spine\b|wirbel|sternum|brustbein|scapula|schulterblatt|\bhips?\b|sacrum|humer|femur|clavic|schlussel"
         r"|bone|knochen|skull|pelvis|becken|intervertebral|dis[ck]s?\b|tibia|fibula|ilium\b|manubri",
         r"sacrum|(hip|femur|humerus)( left| right)?|sternum", is_risk=False),
    _row("duodenum", "bowel", r"duoden|zwo(e)?lffinger", r"duodenum"),
    _row("stomach", "bowel", r"stomach|magen|estomac|gastric|antrum", r"(stomach|magen)( wall)?"),
    _row("colon", "bowel", r"(?!)", r"colon|dickdarm|large (bowel|intestine)"),
    _row("small bowel", "bowel", r"(?!)", r"small (bowel|intestine)|d(ue|u)nndarm"),
    _row("bowel", "bowel",
         r"bowel|darm|[ck]olon|re[ck]tum|\brect|sigm|intestin|jejun|ileum|\bileal|esophag|oesophag|\boesoph|\besoph"
         r"|speiserohre|c(ae|e)cum|zakum|grele",
         r"bowel|intestine"),
    _row("gallbladder", "gallbladder", r"gall|\bbile|biliar|chole|vesicule|ductus", r"gall ?bladder|gallenblase"),
    _row("aorta", "great vessel", r"aort", r"aorta"),
    _row("vena cava", "great vessel", r"cava\b|\bivc\b|\bsvc\b|\bvci\b|hohlvene",
         r"(inferior )?vena cava( inferior)?|ivc"),
    _row("portal vein", "great vessel", r"(?!)",
         r"portal vein( and splenic vein)?|(vena )?porta(e)?|pfortader"),
    _row("vessels", "great vessel",
         r"portal|pfort|porta\b|portae|\bvein|\bven(a|ae|e|en)\b|vene\b|veine|arter|tru?nc?k\b|truncus|vessel|gefa(e)?ss"
         r"|gefas|vaisseau|carotid|iliac|subclavi|aneurysm"),
    _row("right kidney", "organ", r"(?!)", r"right kidney|kidney (right|r|rt)|rechte niere|niere (rechts|re)"),
    _row("left kidney", "organ", r"(?!)", r"left kidney|kidney (left|l|lt)|linke niere|niere (links|li)"),
    _row("right adrenal", "organ", r"(?!)", r"(right adrenal|adrenal right)( gland)?|adrenal gland right"),
    _row("left adrenal", "organ", r"(?!)", r"(left adrenal|adrenal left)( gland)?|adrenal gland left"),
    _row("adrenal glands", "organ", r"adrenal|nebenniere|surrenal"),
    _row("kidneys", "organ", r"kidney|niere|\breins?\b|renal"),
    _row("spleen", "organ", r"spleen|milz|\brate\b", r"spleen|milz"),
    _row("pancreas", "organ", r"pan[ck]rea", r"pancreas|pankreas"),
    _row("bladder", "organ", r"bladder|blase|vessie|urethr|ureter", r"(urinary )?bladder|blase|harnblase"),
    _row("diaphragm", "organ", r"diaphragm|zwerchfell"),
    _row("other organs", "organ", r"prostat|uterus|ovar|thyro|schilddr|\bbrain|gehirn|cerveau"),
    _row("liver", "other", r"liver|leber|hepar|hepat|foie",
         r"(whole |normal |healthy )?(liver|leber|hepar|foie|lever)"),
    _row("chest wall", "other", r"chest|brustwand|thoraxwand|skin|haut\b"),
)  # fmt: skip
_LESION = re.compile(
    r"\b([cgp]tvs?|lesions?|l(ae|a)sion(en)?|tumou?r(s|en|e)?|metasta\w*|mets?|hccs?|targets?|crlms?)(?![a-z])"
)
# Names are free text of files: a longer one says no more, and costs time.
_LONGEST = 64


def _plain(name: str) -> str:
    text = (
        unicodedata.normalize("NFKD", name[:_LONGEST].casefold().replace("œ", "oe")).encode("ascii", "ignore").decode()
    )
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())


def anatomy_of(name: str) -> AnatomyName | None:
    """Return the row of the table that a structure's name speaks of anywhere, or None.

    Examples
    --------
    >>> anatomy_of("liver_vessels").tissue, anatomy_of("Rippe_7re").tissue, anatomy_of("ring 5 mm")
    ('liver vessel', 'bone', None)
    """
    plain = _plain(name)
    return next((row for row in _TABLE if re.search(row.words, plain)), None)


def organ_of(name: str) -> str | None:
    """Return the organ that a structure's whole name is, or None.

    Examples
    --------
    >>> organ_of("Kidney_left"), organ_of("liver lesion 2"), organ_of("Leber")
    ('left kidney', None, 'liver')
    """
    plain = _plain(name)
    return next((row.organ for row in _TABLE if row.whole and re.fullmatch(row.whole, plain)), None)


# How much of a word must agree for a slip of the pen, and words of sides that say nothing of the organ.
_SLIP = 0.8
_SIDES = frozenset({"left", "right", "l", "r", "li", "re", "upper", "lower"})


def nearest_known(name: str) -> str | None:
    """Return what a name that says nothing may have meant, a letter aside; None where nothing is near.

    Examples
    --------
    >>> nearest_known("Livr"), nearest_known("ribb_right_9"), nearest_known("lesoin 2"), nearest_known("ring 5 mm")
    ('liver', 'rib', 'lesion', None)
    """
    if anatomy_of(name) is not None or is_lesion_name(name):
        return None
    words = [word for word in _plain(name).split() if word not in _SIDES and not word.isdigit()]
    organs = [row.organ for row in _TABLE if row.tissue != "other"]
    known = dict.fromkeys(
        (*organs, *(organ.split()[-1] for organ in organs), "liver", "lesion", "tumour", "metastasis")
    )
    near = get_close_matches(" ".join(words), known, 1, _SLIP) if words and len(words[0]) > 2 else []
    return near[0] if near else None


def is_lesion_name(name: str) -> bool:
    """Whether a structure's name says lesion, tumour or target volume."""
    return bool(_LESION.search(_plain(name)))
