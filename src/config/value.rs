//! A serde `Deserializer` over the tree. An error knows the path of the value it is about and what kind it is; the
//! words for people are made elsewhere. Pure.

use std::collections::btree_map;
use std::fmt::{self, Display};
use std::slice;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::tree::{Node, Value};

/// One step from a table or list to what is in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// Why a value could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// From the inside out while the error rises.
    pub path: Vec<Step>,
    pub what: What,
}

/// The kinds of wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Unknown {
        known: &'static [&'static str],
    },
    Missing(&'static str),
    Type {
        expected: String,
    },
    Range {
        expected: String,
    },
    Word {
        found: String,
        known: &'static [&'static str],
    },
    /// A sentence and, after a newline, its cure.
    Said(String),
}

impl Wrong {
    fn new(what: What) -> Wrong {
        Wrong { path: Vec::new(), what }
    }

    fn below(mut self, step: Step) -> Wrong {
        self.path.push(step);
        self
    }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

impl std::error::Error for Wrong {}

impl Error for Wrong {
    fn custom<T: Display>(text: T) -> Wrong {
        Wrong::new(What::Said(text.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Wrong {
        Wrong::new(What::Type { expected: expected.to_string() })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Wrong {
        Wrong::new(What::Range { expected: expected.to_string() })
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Wrong {
        Wrong::new(What::Word { found: found.into(), known })
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Wrong {
        Wrong::new(What::Unknown { known })
    }

    fn missing_field(field: &'static str) -> Wrong {
        Wrong::new(What::Missing(field))
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.value {
            Value::Table(table) => visitor.visit_map(Pairs { rest: table.iter(), next: None }),
            Value::List(list) => visitor.visit_seq(Elements { rest: list.iter(), index: 0 }),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Whole(Some(number)) => visitor.visit_i64(*number),
            Value::Whole(None) => Err(Wrong::custom("a number beyond 64 bits")),
            Value::Number(number) => visitor.visit_f64(number.parse().unwrap_or(f64::NAN)),
            Value::Truth(truth) => visitor.visit_bool(*truth),
            Value::Moment(_) => Err(Wrong::invalid_type(Unexpected::Other("a date"), &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match &self.value {
            Value::Text(text) => visitor.visit_enum(IntoDeserializer::<Wrong>::into_deserializer(text.as_str())),
            _ => Err(Wrong::new(What::Type { expected: format!("one of {}", known.join(", ")) })),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.value {
            Value::Table(_) => self.deserialize_any(visitor),
            _ => Err(Wrong::new(What::Type { expected: "a map".into() })),
        }
    }

    /// Serde would take a list for a struct, field by field; people do not.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct identifier ignored_any
    }
}

struct Pairs<'de> {
    rest: btree_map::Iter<'de, String, Node>,
    next: Option<(&'de String, &'de Node)>,
}

impl<'de> MapAccess<'de> for Pairs<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        self.next = self.rest.next();
        let Some((key, _)) = self.next else { return Ok(None) };
        let name: StrDeserializer<'_, Wrong> = key.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|wrong| wrong.below(Step::Key(key.clone())))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let Some((key, node)) = self.next.take() else { return Err(Wrong::custom("a value without a key")) };
        seed.deserialize(node).map_err(|wrong| wrong.below(Step::Key(key.clone())))
    }
}

struct Elements<'de> {
    rest: slice::Iter<'de, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some(node) = self.rest.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(node).map(Some).map_err(|wrong| wrong.below(Step::Index(index)))
    }
}
