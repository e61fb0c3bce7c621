#pragma once
/// One way to fail. A use case, a port and a handler all answer Result<T>; bugs go through check().

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace market {

/// Why something was refused: one value per `code` a client can see (API.md), so http/message/problem.cpp is
/// one table. `unavailable` alone means *outcome unknown*: it may have happened, so nobody may undo it.
enum class Code : std::uint8_t {
  // The request itself.
  invalid_json,
  bad_request,
  validation,
  unsupported_media_type,
  payload_too_large,
  not_acceptable,
  // Who asks.
  unauthenticated,
  invalid_credentials,
  session_revoked,
  invalid_code,
  forbidden,
  email_unverified,
  // What it is about.
  not_found,
  product_not_found,
  order_not_found,
  email_taken,
  precondition_failed,
  precondition_required,
  // The sale.
  sold_out,
  insufficient_stock,
  sale_not_open,
  sale_closed,
  limit_exceeded,
  idempotency_mismatch,
  order_not_payable,
  order_not_cancellable,
  order_not_returnable,
  payment_declined,
  // The platform.
  rate_limited,
  overloaded,
  recovering,
  insufficient_storage,
  unavailable,
  conflict,  ///< Between processes: another writer was there; never seen by clients.
  internal,
  // Numbers up to here stand in logs: new ones are added behind them.
  list_full,          ///< A cart or a wish list.
  order_not_movable,  ///< An operator's step that does not follow from the order's state.
  order_not_refundable,
  products_for_sale,  ///< An account that has some does not end.
};
inline constexpr Code last_code = Code::products_for_sale;

/// One wrong member of a request, for the `errors` of a 422 answer.
struct FieldError {
  std::string field;   ///< JSON path such as `items[0].quantity`.
  std::string code;    ///< A stable word: `required`, `unknown`, `type`, `range`, `format`, …
  std::string detail;  ///< One sentence, without the value that was sent.
};

/// What only some refusals carry; kept apart so that an Error stays small on the hot path.
struct ErrorExtras {
  std::vector<FieldError> fields;
  std::string opens_at;         ///< RFC 3339, for sale_not_open.
  int retry_after_seconds = 0;  ///< 0: the default of the code.
};

struct Error {
  Error(Code why, std::string what) : code(why), detail(std::move(what)) {}
  Error(Code why, std::string what, ErrorExtras more)
      : code(why), detail(std::move(what)), extras(std::make_shared<const ErrorExtras>(std::move(more))) {}
  Code code;
  std::string detail;  ///< One sentence for a developer: no secrets, no raw user input.
  std::shared_ptr<const ErrorExtras> extras;
};

/// A value or the reason there is none. Becomes std::expected with g++ 13.
template <class T = void>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Code why, std::string what) {
  return tl::unexpected<Error>(Error(why, std::move(what)));
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

/// A 422 with one wrong member.
inline tl::unexpected<Error> invalid_field(std::string field, std::string code, std::string detail) {
  ErrorExtras extras;
  extras.fields.push_back(FieldError{std::move(field), std::move(code), detail});
  return tl::unexpected<Error>(Error(Code::validation, std::move(detail), std::move(extras)));
}

}  // namespace market
