//! Fresh names, and something to say.

const WORDS: [&str; 16] = [
    "café",
    "quando",
    "amanhã",
    "servidor",
    "jogo",
    "ônibus",
    "prova",
    "então",
    "chuva",
    "almoço",
    "não",
    "🙂",
    "coração",
    "fila",
    "bom dia",
    "até já",
];

/// Dice for one of several that have the same seed.
pub(super) fn dice(seed: u64, number: usize) -> fastrand::Rng {
    // Spread, since close seeds give dice that fall alike at first.
    let number = u64::try_from(number).unwrap_or(0).wrapping_add(1);
    fastrand::Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

pub(super) fn name(prefix: &str, dice: &mut fastrand::Rng) -> String {
    format!("{prefix}-{:08x}", dice.u32(..))
}

/// What `who` says as their `number`th message: unlike anything else that anybody says.
pub(super) fn message(who: &str, number: u64, dice: &mut fastrand::Rng) -> String {
    let mut text = format!("{who} diz {number}:");
    for _ in 0..dice.usize(1..12) {
        text.push(' ');
        text.push_str(WORDS[dice.usize(..WORDS.len())]);
    }
    text
}
