#pragma once
/// What the gateway looks at instead of a request as it came: no spelling of a path passes by a weaker rule,
/// and no field counts that goes no further.

#include <string>

#include "http/message/normal_path.hpp"
#include "services/gateway/forwarded_message.hpp"

namespace market::gateway {

/// Most are what they look like already.
inline bool is_normal(const http::Request& request) {
  return http::is_plain_path(request.path) && !names_fields(request);
}

/// A request with its path in normal form and without the fields that `Connection` names: what is judged is
/// also what leaves, so that nobody behind us can read another one. Null: its path has no such form.
struct NormalRequest {
  explicit NormalRequest(const http::Request& given) {
    if (is_normal(given)) {
      request = &given;
      return;
    }
    auto normal = http::normal_path(given.path);
    if (!normal) return;
    target = std::move(*normal);
    const auto path_size = target.size();
    if (given.target.find('?') != std::string_view::npos) target.append("?").append(given.query);
    own = given;
    drop_named_fields(own);
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
