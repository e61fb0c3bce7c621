#pragma once
/// Events as bytes, for the records of the log (record_codec.hpp) and the snapshot.

#include "domain/sale/event.hpp"
#include "wire/events/bytes.hpp"

namespace market::wire {

void encode_event(ByteWriter& out, const Event& event);
/// False, or a broken reader: these bytes are no event that this program knows.
bool decode_event(ByteReader& in, Event& event);

/// What says of a declined payment that nobody was asked for money (`back_to`): a key that no request has,
/// with the state as its fingerprint. Programs that do not know of it read a plain decline, and write it on.
RequestKey not_charged_key(AttemptId attempt);
/// The state that a key and its fingerprint stand for, beside a decline of `attempt`; none: a request's key.
std::optional<PaymentState> not_charged_by(AttemptId attempt, const RequestKey& key,
                                           std::uint64_t fingerprint);

void encode_terms(ByteWriter& out, const ProductTerms& terms);
ProductTerms decode_terms(ByteReader& in);
void encode_texts(ByteWriter& out, const ProductTexts& texts);
ProductTexts decode_texts(ByteReader& in);

}  // namespace market::wire
