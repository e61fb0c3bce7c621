// The document (api/registry.yaml) and the routes name the same operations.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <set>

#include "services/registry/handlers.hpp"

namespace market::embedded {
std::string_view registry_document();
}  // namespace market::embedded

namespace market::registry {
namespace {

/// As the document says it once for all: /eureka/v2 is /eureka, a slash at the end is none.
std::string plain(std::string route) {
  constexpr std::string_view second_base = "/eureka/v2/";
  if (const auto at = route.find(second_base); at != std::string::npos)
    route.replace(at, second_base.size(), "/eureka/");
  if (route.ends_with('/')) route.pop_back();
  return route;
}

TEST(RegistryDocument, NamesEveryRouteAndNoOther) {
  asio::io_context io;
  const SystemClock clock;
  SharedRegistry registry(LeaseRules(), clock, Millis(0));
  Peers peers(io.get_executor(), {}, registry);
  http::Router router;
  const HandlerContext context{registry, peers, {}, false};
  add_eureka_routes(router, context);
  add_dashboard_routes(router, context);
  std::set<std::string> routes, documented;
  for (const auto& route : router.route_names())
    if (route.find(' ') != std::string::npos) routes.insert(plain(route));

  const auto document = boost::json::parse(embedded::registry_document());
  for (const auto& path : document.at("paths").as_object())
    for (const auto& operation : path.value().as_object()) {
      if (operation.key() == "parameters") continue;
      std::string method(operation.key());
      for (char& c : method) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      documented.insert(method + " " + std::string(path.key()));
    }
  EXPECT_EQ(routes, documented);
  EXPECT_GT(routes.size(), 20u);
}

}  // namespace
}  // namespace market::registry
