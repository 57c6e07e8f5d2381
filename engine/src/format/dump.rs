//! The dumps of `docs/FORMAT.md`, for the tests that hold them against the code.

const TEXT: &str = include_str!("../../../docs/FORMAT.md");

/// The bytes of the block that begins with "```hex `name`": lines of offset, up to 16 bytes, and text, as `hexdump -C`
/// writes them. A line `*` stands for zeros up to the next offset, which may be the end.
pub(super) fn dump(name: &str) -> Vec<u8> {
    let begin = format!("```hex {name}\n");
    let (_, block) = TEXT.split_once(&begin).expect("docs/FORMAT.md has such a dump");
    let (block, _) = block.split_once("\n```").expect("the dump ends");
    let mut bytes = Vec::new();
    let mut zeros = false;
    for line in block.lines() {
        if line == "*" {
            zeros = true;
            continue;
        }
        let (offset, rest) = line.split_once("  ").unwrap_or((line, "||"));
        let offset = usize::from_str_radix(offset, 16).expect("an offset");
        if std::mem::take(&mut zeros) {
            bytes.resize(offset.max(bytes.len()), 0);
        }
        assert_eq!(offset, bytes.len(), "{line}");
        let (hex, text) = rest.split_once('|').expect("a text");
        let row: Vec<u8> =
            hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal")).collect();
        let shown = |byte: &u8| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' };
        assert_eq!(row.iter().map(shown).collect::<String>() + "|", text, "{line}");
        bytes.extend(row);
    }
    bytes
}
