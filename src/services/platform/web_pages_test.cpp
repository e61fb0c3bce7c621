#include "services/platform/web_pages.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "services/platform/docs_page.hpp"

namespace market::platform {
namespace {

class WebPages : public testing::Test {
 protected:
  WebPages() { add_web_routes(router_); }

  /// Nothing: no route, or a refusal.
  std::optional<http::Reply> get(std::string_view path, std::vector<http::HeaderView> headers = {},
                                 std::string_view query = {}) {
    http::Request request;
    request.path = request.target = path;
    request.query = query;
    request.headers.assign(headers.begin(), headers.end());
    const auto match = router_.match(request);
    if (match.handler == nullptr) return std::nullopt;
    asio::io_context context;
    std::optional<http::Reply> reply;
    asio::co_spawn(context, (*match.handler)(request),
                   [&reply](std::exception_ptr error, Result<http::Reply> answer) {
                     ASSERT_FALSE(error);
                     if (answer) reply = std::move(*answer);
                   });
    context.run();
    return reply;
  }
  static std::string header(const http::Reply& reply, std::string_view name) {
    for (const auto& each : reply.headers)
      if (each.name == name) return each.value;
    return {};
  }
  /// The first address of this kind in the shop's page: "/web/assets/shop-....js".
  std::string asset(std::string_view end) {
    const std::string page = *get("/")->shared_body;
    const auto stop = page.find(std::string(end) + '"');
    if (stop == std::string::npos) return {};
    const auto begin = page.rfind('"', stop) + 1;
    return page.substr(begin, stop - begin) + std::string(end);
  }

  http::Router router_;
};

TEST_F(WebPages, EveryAddressOfAPageIsThatPage) {
  const auto shop = *get("/")->shared_body, admin = *get("/admin")->shared_body;
  EXPECT_NE(shop, admin);
  for (const auto* address : {"/store", "/store/orders", "/store/products/0C3KQ2V8M0G00"})
    EXPECT_EQ(*get(address)->shared_body, shop) << address;
  for (const auto* address : {"/admin/orders", "/admin/products/0C3KQ2V8M0G00"})
    EXPECT_EQ(*get(address)->shared_body, admin) << address;
}

TEST_F(WebPages, ASlashAtTheEndLeadsToThePage) {
  for (const std::string address : {"/store", "/store/orders", "/admin", "/admin/products"}) {
    const auto reply = get(address + "/");
    ASSERT_TRUE(reply.has_value()) << address;
    EXPECT_EQ(reply->status, http::Status::found) << address;
    EXPECT_EQ(header(*reply, "Location"), address);
    EXPECT_EQ(header(*get(address + "/", {}, "sale=1"), "Location"), address + "?sale=1");
  }
  for (const auto* address : {"/store//", "/store//example.com/", "/store/../"})
    EXPECT_FALSE(get(address)) << address;
}

TEST_F(WebPages, NothingElseIs) {
  for (const auto* address : {"/api/v1/nothing", "/store/a/b/c", "/web/assets/none.js", "/web/shop.html",
                              "/index.html", "/shopping", "/administrator"})
    EXPECT_FALSE(get(address)) << address;
}

TEST_F(WebPages, ThePageIsAskedForEachTimeAndItsScriptIsKeptForAYear) {
  const auto page = *get("/");
  EXPECT_EQ(header(page, "Cache-Control"), "no-cache");
  EXPECT_EQ(get("/", {{"If-None-Match", header(page, "ETag")}})->status, http::Status::not_modified);
  const auto script = *get(asset(".js"));
  EXPECT_EQ(header(script, "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(script.content_type, "text/javascript; charset=utf-8");
}

TEST_F(WebPages, TheSmallestFormThatIsTaken) {
  const std::string script = asset(".js");
  const auto plain = *get(script), gzip = *get(script, {{"Accept-Encoding", "gzip"}}),
             brotli = *get(script, {{"Accept-Encoding", "gzip, deflate, br"}});
  EXPECT_EQ(header(plain, "Content-Encoding"), "");
  EXPECT_EQ(header(gzip, "Content-Encoding"), "gzip");
  EXPECT_EQ(header(brotli, "Content-Encoding"), "br");
  for (const auto& [wanted, coding] :
       {std::pair{"br;q=0.5, gzip", "gzip"}, std::pair{"br;q=0.5, gzip;q=0.5", "br"},
        std::pair{"identity, br;q=0.5, gzip;q=0.5", ""}})
    EXPECT_EQ(header(*get(script, {{"Accept-Encoding", wanted}}), "Content-Encoding"), coding) << wanted;
  EXPECT_EQ(gunzip(*gzip.shared_body), *plain.shared_body);
  EXPECT_LT(brotli.shared_body->size(), gzip.shared_body->size());
  EXPECT_LT(gzip.shared_body->size(), plain.shared_body->size() / 2);
}

TEST_F(WebPages, NoInlineScriptOrStyleAndAStrictPolicy) {
  for (const auto* address : {"/", "/admin"}) {
    const auto page = *get(address);
    EXPECT_EQ(page.shared_body->find("<script>"), std::string::npos);
    EXPECT_EQ(page.shared_body->find("<style"), std::string::npos);
    EXPECT_EQ(page.shared_body->find("style=\""), std::string::npos);
    const auto policy = header(page, "Content-Security-Policy");
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    EXPECT_NE(policy.find("default-src 'none'; script-src 'self';"), std::string::npos);
  }
}

}  // namespace
}  // namespace market::platform
