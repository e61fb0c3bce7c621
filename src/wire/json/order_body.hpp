#pragma once
/// The body of POST /orders: `{"items":[{"productId":"…","quantity":1}]}`. The usual form is read in one pass
/// without allocating; everything else goes through the strict reader, which also words the errors.

#include "domain/sale/command.hpp"

namespace market::wire {

using WantedLines = boost::container::small_vector<WantedLine, 1>;

/// An id that cannot be one is that of no product: whoever knows the request's key may have more to say.
/// Errors: invalid_json, validation.
Result<WantedLines> read_order_body(std::string_view body);
/// The one-pass reader alone: false when the body is not in the usual form.
bool read_usual_order_body(std::string_view body, WantedLines& lines);

}  // namespace market::wire
