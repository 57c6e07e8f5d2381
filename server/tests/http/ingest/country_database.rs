//! A country database of the tests' own, in MaxMind's format (<https://maxmind.github.io/MaxMind-DB/>): none is shipped.

use ipnet::IpNet;

/// What one side of a node leads to.
#[derive(Clone, Copy)]
enum Record {
    Nothing,
    Node(usize),
    /// Offset in the data.
    Data(usize),
}

/// Bits of an address; those of version 4 are the last 32 of them.
const ADDRESS_BITS: u8 = 128;
/// Zeros between tree and data.
const SEPARATOR: [u8; 16] = [0; 16];

/// A database with the country of each network.
pub(super) fn database(networks: &[(&str, &str)]) -> Vec<u8> {
    let (mut tree, mut data) = (vec![[Record::Nothing; 2]], Vec::new());
    for (network, country) in networks {
        let (bits, length) = match network.parse().expect("a network") {
            IpNet::V4(network) => (u128::from(u32::from(network.network())), 96 + network.prefix_len()),
            IpNet::V6(network) => (u128::from(network.network()), network.prefix_len()),
        };
        insert(&mut tree, bits, length, data.len());
        put_map(&mut data, 1);
        put_text(&mut data, "country");
        put_map(&mut data, 1);
        put_text(&mut data, "iso_code");
        put_text(&mut data, country);
    }
    let mut file = Vec::new();
    for record in tree.iter().flatten() {
        let value = match record {
            Record::Nothing => tree.len(),
            Record::Node(node) => *node,
            Record::Data(offset) => tree.len() + SEPARATOR.len() + offset,
        };
        file.extend_from_slice(&u32::try_from(value).expect("a small database").to_be_bytes()[1..]);
    }
    file.extend_from_slice(&SEPARATOR);
    file.extend_from_slice(&data);
    put_metadata(&mut file, tree.len());
    file
}

fn insert(tree: &mut Vec<[Record; 2]>, bits: u128, length: u8, data: usize) {
    let mut node = 0;
    for depth in 0..length {
        let side = usize::from(bits >> (ADDRESS_BITS - 1 - depth) & 1 == 1);
        if depth + 1 == length {
            tree[node][side] = Record::Data(data);
            return;
        }
        node = match tree[node][side] {
            Record::Node(next) => next,
            _ => {
                tree.push([Record::Nothing; 2]);
                tree[node][side] = Record::Node(tree.len() - 1);
                tree.len() - 1
            }
        };
    }
}

fn put_metadata(file: &mut Vec<u8>, nodes: usize) {
    file.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    put_map(file, 9);
    for (key, value) in [
        ("binary_format_major_version", 2),
        ("binary_format_minor_version", 0),
        ("ip_version", 6),
        ("record_size", 24),
    ] {
        put_text(file, key);
        file.push(5 << 5 | 2);
        file.extend_from_slice(&u16::to_be_bytes(value));
    }
    put_text(file, "node_count");
    file.push(6 << 5 | 4);
    file.extend_from_slice(&u32::try_from(nodes).expect("a small database").to_be_bytes());
    put_text(file, "build_epoch");
    // Types from 8 on stand in a byte of their own, less 7: a u64, then an array.
    file.extend_from_slice(&[8, 2]);
    file.extend_from_slice(&1_768_478_400_u64.to_be_bytes());
    put_text(file, "database_type");
    put_text(file, "Country-of-the-tests");
    put_text(file, "languages");
    file.extend_from_slice(&[0, 4]);
    put_text(file, "description");
    put_map(file, 0);
}

fn put_map(bytes: &mut Vec<u8>, members: u8) {
    bytes.push(7 << 5 | members);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 29).expect("a short text");
    bytes.push(2 << 5 | length);
    bytes.extend_from_slice(text.as_bytes());
}
