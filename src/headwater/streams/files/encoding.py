"""Detect the encoding of text, UTF-8 if it decodes, else by charset detection, unless an option sets it."""

from __future__ import annotations

import codecs
from typing import Any

from headwater.errors import ConfigError, did_you_mean

__all__ = ["Decoder", "Returns", "Transcoded", "check_encoding", "recognise", "spoken", "wide_encoding"]

_KNOWN = ("utf-8", "utf-16", "gb18030", "gbk", "big5", "shift_jis", "euc_jp", "euc_kr", "latin-1", "cp1252", "cp1251")
# The encodings to detect, each a superset of narrower relatives.
_CANDIDATES = ["gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1252", "cp1251", "cp1250"]
_EASTERN = {"Polish", "Czech", "Slovak", "Hungarian", "Romanian", "Croatian", "Slovene", "Lithuanian"}
_SPOKEN = {
    "gb18030": "GB18030 (GBK)", "big5": "Big5", "cp932": "Shift-JIS", "euc_jp": "EUC-JP", "cp949": "EUC-KR",
    "cp1252": "Latin-1 (Windows-1252)", "cp1251": "Windows-1251", "cp1250": "Windows-1250",
    "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32",
}  # fmt: skip
_MARKS = (  # UTF-32 comes first, since its mark starts like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ("utf-16", "utf-32")
_SAMPLE = 1 << 15
_LEAST = 400  # bytes; shorter samples are repeated, since the detector rejects them


def check_encoding(name: str) -> str:
    """Return the canonical name of an encoding.

    Raises
    ------
    ConfigError
        For an unknown encoding.

    Examples
    --------
    >>> check_encoding("GBK")
    'gbk'
    """
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise ConfigError(
            expected="an encoding such as utf-8, gb18030 or latin-1",
            got=name,
            at="--encoding",
            help=did_you_mean(name, _KNOWN),
        ) from error


def spoken(encoding: str) -> str:
    """Return the common name of an encoding."""
    return _SPOKEN.get(encoding, encoding)


def wide_encoding(head: bytes, given: str | None) -> str | None:
    r"""Return the encoding of text in UTF-16 or UTF-32, where a newline is no single byte, else None.

    Examples
    --------
    >>> wide_encoding("a,b".encode("utf-16"), None), wide_encoding("a,b\n".encode("utf-16-le"), None)
    ('utf-16-le', 'utf-16-le')
    >>> wide_encoding(b"a,b", None) is wide_encoding(b"PAR1" + bytes(9), None) is None
    True
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark) and (given is None or given.startswith(_WIDE)):
            return encoding
    if given is not None:
        return given if given.startswith(_WIDE) else None
    text = head[: len(head) // 2 * 2]
    for encoding, zeros in (("utf-16-le", text[1::2]), ("utf-16-be", text[0::2])):
        others = text[0::2] if encoding == "utf-16-le" else text[1::2]
        if len(zeros) > 1 and 0 not in others and 4 * zeros.count(0) > 3 * len(zeros):
            return encoding
    return None


def recognise(sample: bytes) -> str | None:
    """Detect the encoding of text that isn't UTF-8, or return None if it is ambiguous.

    Parameters
    ----------
    sample
        Lines with non-ASCII characters.

    Examples
    --------
    >>> recognise("2024年1月5日,北京,晴".encode("gbk")), recognise("東京,カタカナ,ひらがな".encode("shift_jis"))
    ('gb18030', 'cp932')
    >>> recognise("Müller,Köln,Größe".encode("latin-1"))
    'cp1252'
    """
    from charset_normalizer import from_bytes

    text = sample[:_SAMPLE].rpartition(b"\n")[0] if len(sample) > _SAMPLE else sample
    found = from_bytes(text * (1 + _LEAST // max(1, len(text))), cp_isolation=_CANDIDATES)
    best = found.best()
    if best is None:
        return None
    if best.encoding == "cp1250" and best.language not in _EASTERN:
        return "cp1252"  # both have most Western letters at the same codes
    return str(best.encoding)


class Transcoded:
    r"""Reader that transcodes UTF-16 or UTF-32 to UTF-8, since lines are split at single bytes.

    Examples
    --------
    >>> import io
    >>> Transcoded(io.BytesIO("é\n".encode("utf-16")), "utf-16").read(100)
    b'\xc3\xa9\n'
    """

    def __init__(self, raw: Any, encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read(self, size: int, /) -> bytes:
        """Return some text as UTF-8."""
        return self._next(self._raw.read, size)

    def read1(self, size: int, /) -> bytes:
        """Return the available text as UTF-8, without waiting for more."""
        return self._next(self._raw.read1, size)

    def _next(self, read: Any, size: int) -> bytes:
        while chunk := read(size):
            if text := self._decoder.decode(chunk):
                return text.lstrip("\ufeff").encode()
        return self._decoder.decode(b"", final=True).encode()


class Returns:
    r"""Reader that replaces carriage returns alone, as written by old Macs, with newlines.

    Examples
    --------
    >>> import io
    >>> Returns(io.BytesIO(b"a\r1\r")).read(100)
    b'a\n1\n'
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def read(self, size: int, /) -> bytes:
        """Return some bytes."""
        return bytes(self._raw.read(size).replace(b"\r", b"\n"))

    def read1(self, size: int, /) -> bytes:
        """Return the available bytes."""
        return bytes(self._raw.read1(size).replace(b"\r", b"\n"))


class Decoder:
    r"""Decoder of chunks of whole lines, which detects the encoding where it isn't UTF-8.

    Parameters
    ----------
    given
        Encoding from an option; None detects it.

    Examples
    --------
    >>> decoder = Decoder()
    >>> (
    ...     decoder.decode(b"a,b\n"),
    ...     decoder.decode("北京,晴\n上海,阴\n广州,多云\n".encode("gbk"))[:2],
    ...     decoder.encoding,
    ... )
    ('a,b\n', '北京', 'gb18030')
    """

    def __init__(self, given: str | None = None) -> None:
        self.given, self.encoding = given, given or "utf-8"
        self.spoken = ""  # common name, if it isn't UTF-8
        self.found = False  # whether it was detected rather than given
        self._sure = given is not None

    def decode(self, chunk: bytes) -> str:
        """Return the text of a chunk.

        Raises
        ------
        UnicodeDecodeError
            When some lines are damaged.
        """
        try:
            text = chunk.decode(self.encoding)
        except UnicodeDecodeError:
            if self._sure or not self._changed(chunk):
                self._sure = True
                raise
            return chunk.decode(self.encoding)
        self._sure = self._sure or not chunk.isascii()
        return text

    def _changed(self, chunk: bytes) -> bool:
        """Detect the encoding of the first chunk with non-ASCII characters, and return whether it changed."""
        lines = [line for line in chunk.split(b"\n") if not line.isascii()]
        if 2 * sum(map(_is_utf8, lines)) >= len(lines):
            return False  # a few damaged lines
        encoding = recognise(b"\n".join(lines))
        if encoding is None:
            return False
        self.encoding, self.spoken, self._sure, self.found = encoding, spoken(encoding), True, True
        return True


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
