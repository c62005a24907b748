//! Statistics as `serde` carries them: integers alone, so that every format keeps each bit.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{RowMax, RowStats, RowSum};

impl Serialize for RowMax {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_lane().serialize(to)
    }
}

impl<'de> Deserialize<'de> for RowMax {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        i32::deserialize(from).map(Self::from_lane)
    }
}

impl Serialize for RowSum {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.limbs.serialize(to)
    }
}

impl<'de> Deserialize<'de> for RowSum {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <[u32; Self::LANES]>::deserialize(from).map(|limbs| Self { limbs })
    }
}

impl Serialize for RowStats {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.max, self.sum).serialize(to)
    }
}

impl<'de> Deserialize<'de> for RowStats {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <(RowMax, RowSum)>::deserialize(from).map(|(max, sum)| Self::new(max, sum))
    }
}
