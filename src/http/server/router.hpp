#pragma once
/// Which handler a request goes to: method and path pattern, `/api/v1/orders/{id}`.
///
///   router.add(Method::post, "/api/v1/orders", [&](const Request& r) { return place_order(use_case, r); });

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/message/message.hpp"

namespace market::http {

struct RouteOptions {
  std::size_t body_bytes_max = 0;             ///< 0: the server's default (http.body_bytes_max).
  bool json_body = true;                      ///< A body must be application/json (else 415).
  std::vector<std::string_view> media_types;  ///< Without json_body: of which a body must be; empty: any.
  bool loopback_only = false;                 ///< /metrics, /info: anyone else gets 404.
  /// The query's parameters that this route knows; others are 422.
  std::vector<std::string_view> query;
  bool any_query = false;  ///< A page, or another's business.
  bool any_body = false;   ///< Passed on as it is: media type and coding are another's business.
  /// Instead of body_bytes_max, when it depends on the request.
  std::function<std::size_t(const Request&)> body_limit;
  /// Asked before a body is read that did not come with the head, and before a wrong query is named: whose
  /// token is refused learns that first.
  std::function<Result<>(const Request&)> head_check;
  /// Asked behind it when the client waits with its body for a word (`Expect: 100-continue`): what another
  /// decides by the head alone. Nullopt, or an error: nothing yet.
  std::function<Task<std::optional<Reply>>(const Request&)> ask_ahead;
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;

  void add(Method method, std::string pattern, Handler handler, RouteOptions options = {});

  /// Paths whose normal form (normal_path.hpp) begins so are matched in it, as a gateway routes them.
  void match_normal_form_below(std::string prefix);

  /// Of the routes that are added from here on, as their contract is another's (Eureka's).
  void take_any_query(bool yes);

  /// Puts something around the handler of a route that is there, named as in route_names().
  void wrap(std::string_view name, const std::function<Handler(Handler)>& around);
  /// Asked of each request for the path of a wrapped one, whatever its method. True: it is the fallback's,
  /// and nothing that is known of the path here counts.
  void set_leads_away(std::function<bool(const Request&)> leads_away);

  /// For every path and method that no route matches; without it those are 404.
  void set_fallback(Handler handler, RouteOptions options = {});

  struct Match {
    const Handler* handler = nullptr;   ///< Null: `status` says why.
    Status status = Status::not_found;  ///< not_found or method_not_allowed.
    std::string_view allow;  ///< For 405: the methods of this path, as the Allow header wants them.
    const RouteOptions* options = nullptr;
    std::size_t route_index = 0;
  };
  /// Sets request.parameters and route_index. HEAD finds GET's handler. Matching is exact: no trailing or
  /// double slash, no dot segment, no `;x=y` is forgiven, but below match_normal_form_below(), where dot
  /// segments and double slashes are. And `%6C` is an `l`: RFC 3986 6.2.2.2; `%20` is part of a name.
  Match match(Request& request) const;

  /// "POST /api/v1/orders" by route_index, for metrics; index 0 is "unmatched".
  const std::vector<std::string>& route_names() const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace market::http
