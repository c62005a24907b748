// The bits of four halves in two words.
fn halves_of(words: vec2<u32>) -> U {
    return U(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u);
}
