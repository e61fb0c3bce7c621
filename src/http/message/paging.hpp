#pragma once
/// `?limit=` (1..100, default 20) and `?cursor=` of every list.

#include <string>

#include "http/message/message.hpp"

namespace market::http {

struct Page {
  int limit = 20;
  std::string cursor;  ///< Opaque to clients; empty: from the start.
};
/// Errors: validation with the parameter's name.
Result<Page> page_of(const Request& request);

}  // namespace market::http
