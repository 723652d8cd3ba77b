//! `docs/signature.md` as simple code. Nothing here uses the crate: tests and fuzz targets compare the crate with it.
#![allow(dead_code, unreachable_pub, clippy::many_single_char_names)]

pub fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

pub fn key(seed: u64, number: u64) -> u64 {
    mix(seed.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

/// The smaller number that is the same modulo 2^31 - 1, twice.
pub fn reduced(x: u64) -> u64 {
    let reduce = |x: u64| x % (1 << 31) + x / (1 << 31);
    reduce(reduce(x))
}

/// The linear function whose keys begin at `first`, of halves and to halves.
fn linear(seed: u64, first: u64, values: &[[u64; 2]]) -> [u64; 2] {
    [0, 1].map(|half| {
        let (last, others) = values.split_last().unwrap();
        let mut sum = last[half];
        for (number, value) in (first..).zip(others) {
            let halves = [key(seed, number) % (1 << 32), key(seed, number) >> 32];
            sum += halves[half] % (1 << 30) * value[half];
        }
        reduced(sum)
    })
}

/// A number of some bytes, the first the lowest.
fn number(bytes: &[u8]) -> u128 {
    let digits = bytes.iter().rev();
    digits.fold(0, |number, &byte| number * 256 + u128::from(byte))
}

/// A token's hash, part by part.
pub fn token(seed: u64, token: &[u8]) -> [u64; 2] {
    let len = token.len() as u128;
    let block = match token.len() {
        0..=15 => number(token) + ((0xF0 + len) << 120),
        16 => number(token),
        _ => long_token(seed, token) + (len << 64) + (0xF0 << 120),
    };
    let [low, high] = [block % (1 << 64), block >> 64];
    let bits = |x: u128, from: u32, many: u32| ((x >> from) % (1 << many)) as u64;
    let words = [
        bits(low, 0, 30),
        bits(low, 30, 30),
        bits(high, 0, 30),
        bits(high, 30, 30),
        bits(low, 60, 4) + 16 * bits(high, 60, 4),
    ];
    linear(seed, 1, &words.map(|word| [word, word]))
}

fn long_token(seed: u64, token: &[u8]) -> u128 {
    let [c, d, z] = [5, 6, 7].map(|i| u128::from(key(seed, i)) % (1 << 60));
    token.chunks(16).map(number).fold(0, |sum, part| {
        let [a, b] = [part % (1 << 64), part >> 64];
        let rest = (a >> 60) + 16 * (b >> 60);
        let next = sum * z + (a % (1 << 60) + c) * (b % (1 << 60) + d) + rest;
        next % (1 << 61) + (next >> 61)
    })
}

/// The value of a window: of the windows that the largest power of 5 below its size gives.
fn window(seed: u64, tokens: &[[u64; 2]]) -> [u64; 2] {
    if tokens.len() == 1 {
        return tokens[0];
    }
    let (mut size, mut first) = (1, 8);
    while 5 * size < tokens.len() {
        size *= 5;
        first += 4;
    }
    let last = tokens.len() - size;
    let starts = (0..last).step_by(size).chain([last]);
    let windows = starts.map(|start| window(seed, &tokens[start..start + size]));
    linear(seed, first, &windows.collect::<Vec<_>>())
}

/// The hash of a shingle of tokens.
pub fn shingle(seed: u64, tokens: &[&[u8]]) -> u64 {
    let hashes: Vec<_> = tokens.iter().map(|bytes| token(seed, bytes)).collect();
    let [low, high] = window(seed, &hashes);
    let length = key(seed, 64 + tokens.len() as u64);
    mix((low + (high << 32)).wrapping_add(length))
}

/// The hashes of all shingles of n tokens.
pub fn shingles(seed: u64, n: usize, tokens: &[&[u8]]) -> Vec<u64> {
    match tokens.len() {
        0 => vec![],
        len => (tokens.windows(n.min(len)))
            .map(|window| shingle(seed, window))
            .collect(),
    }
}

fn draw(x: u64, round: u32) -> u32 {
    let [low, high] = [x as u32, (x >> 32) as u32];
    let u = (low ^ round.wrapping_mul(0x9E37_79B9)).wrapping_mul(0x7FEB_352D);
    let u = (u ^ (u >> 15)).wrapping_add(high).wrapping_mul(0x846C_A68B);
    u ^ (u >> 16)
}

/// The slots of a Fast Similarity Sketch.
pub fn fast_similarity(shingles: &[u64], k: usize) -> Vec<u32> {
    let rounds = k.div_ceil(16);
    let mut slots: Vec<Option<u32>> = vec![None; k];
    for round in 0..rounds + k {
        let before = slots.clone();
        for &x in shingles {
            let u = draw(x, round as u32);
            let (slot, value) = match round {
                0 => (((x >> 32) * k as u64) >> 32, x as u32),
                _ if round < rounds => ((u64::from(u % (1 << 16)) * k as u64) >> 16, u),
                _ => ((round - rounds) as u64, u),
            };
            let (slot, value) = (slot as usize, value.min(u32::MAX - 1));
            if before[slot].is_none() {
                slots[slot] = Some(slots[slot].map_or(value, |least| least.min(value)));
            }
        }
    }
    slots
        .into_iter()
        .map(|slot| slot.unwrap_or(u32::MAX))
        .collect()
}

/// The slots of classic `MinHash`.
pub fn classic(shingles: &[u64], k: usize) -> Vec<u32> {
    let slot = |j: u32| {
        let values = shingles.iter().map(|&x| draw(x, j + 1).min(u32::MAX - 1));
        values.min().unwrap_or(u32::MAX)
    };
    (0..k as u32).map(slot).collect()
}
