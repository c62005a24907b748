// A unit of a tensor is of one row.

fn each_row(at: Row) -> Own {
    let narrow = at.narrow;
    return Own(at.wide.y, at.wide.z, at.wide.w, narrow.x, narrow.y, narrow.z, narrow.w);
}

// The row's word in a buffer beside the input.
fn beside_row(slot: u32, at: RU) -> RU { return beside(slot, at); }

// Writes a word of the row's result, or the half that it is rounded to.
fn store_row(index: RU, bits: RU) {
    if (OUTPUT == F32) {
        set_word(index, bits);
    } else {
        set_half(index, first_u(narrowed(U(bits), OUTPUT)));
    }
}
