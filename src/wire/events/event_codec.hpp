#pragma once
/// Events as bytes, for the records of the log (record_codec.hpp) and the snapshot.

#include "domain/sale/event.hpp"
#include "wire/events/bytes.hpp"

namespace market::wire {

void encode_event(ByteWriter& out, const Event& event);
/// False, or a broken reader: these bytes are no event that this program knows.
bool decode_event(ByteReader& in, Event& event);

void encode_terms(ByteWriter& out, const ProductTerms& terms);
ProductTerms decode_terms(ByteReader& in);
void encode_texts(ByteWriter& out, const ProductTexts& texts);
ProductTexts decode_texts(ByteReader& in);

}  // namespace market::wire
