#pragma once
/// What the gateway looks at instead of a request as it came: no spelling of a path passes by a weaker rule.

#include <string>

#include "http/message/normal_path.hpp"
#include "http/message/request.hpp"

namespace market::gateway {

/// A request with its path in normal form: what is matched is also what leaves, so that nobody behind us can
/// read another path. Null: it has no such form.
struct NormalRequest {
  explicit NormalRequest(const http::Request& given) {
    if (http::is_plain_path(given.path)) {
      request = &given;
      return;
    }
    auto normal = http::normal_path(given.path);
    if (!normal) return;
    target = std::move(*normal);
    const auto path_size = target.size();
    if (given.target.find('?') != std::string_view::npos) target.append("?").append(given.query);
    own = given;
    own.target = target;
    own.path = std::string_view(target).substr(0, path_size);
    request = &own;
  }
  NormalRequest(const NormalRequest&) = delete;
  std::string target;
  http::Request own;
  const http::Request* request = nullptr;
};

}  // namespace market::gateway
