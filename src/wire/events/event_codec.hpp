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
struct WrittenKey {
  RequestKey key;
  std::uint64_t fingerprint = 0;
};
/// What is written beside a decline of `attempt`; without `back_to` what its request has.
WrittenKey written_key(const WrittenKey& of_request, AttemptId attempt, std::optional<PaymentState> back_to);
/// `back_to`, taken out of what was read; none: it is a request's key, and stays.
std::optional<PaymentState> take_back_to(AttemptId attempt, RequestKey& key, std::uint64_t& fingerprint);

void encode_terms(ByteWriter& out, const ProductTerms& terms);
ProductTerms decode_terms(ByteReader& in);
void encode_texts(ByteWriter& out, const ProductTexts& texts);
ProductTexts decode_texts(ByteReader& in);

}  // namespace market::wire
