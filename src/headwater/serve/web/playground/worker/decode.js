// The text of a file: UTF-8 or UTF-16 as they say themselves, else what the bytes look like, GB18030 (GBK) or Windows-1252.
const SURE = 0.8; // share of pairs that are common Chinese characters

/** Whether bytes that are no UTF-8 are Chinese: most pairs lie among the 3,755 common characters of GB 2312, or its signs. */
function isChinese(bytes) {
  let pairs = 0, common = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] < 0x80) continue;
    pairs += 1;
    if (((bytes[i] >= 0xb0 && bytes[i] <= 0xd7) || (bytes[i] >= 0xa1 && bytes[i] <= 0xa3)) && bytes[i + 1] >= 0xa1) common += 1;
    i += 1;
  }
  return common >= SURE * pairs;
}

const decoded = (encoding, bytes, fatal = true) => {
  try {
    return new TextDecoder(encoding, { fatal }).decode(bytes);
  } catch {
    return null;
  }
};

/** Return [text, the encoding where it is not UTF-8]. */
export function textOf(buffer) {
  const bytes = new Uint8Array(buffer);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return [decoded("utf-16le", bytes, false), "UTF-16"];
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return [decoded("utf-16be", bytes, false), "UTF-16"];
  const plain = decoded("utf-8", bytes);
  if (plain !== null) return [plain, ""];
  const chinese = isChinese(bytes) ? decoded("gb18030", bytes) : null;
  return chinese === null ? [decoded("windows-1252", bytes, false), "Windows-1252"] : [chinese, "GB18030 (GBK)"];
}
