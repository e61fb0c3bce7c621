#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include "http/message/problem.hpp"
#include "services/platform/docs_page.hpp"
#include "services/platform/platform_routes.hpp"

namespace market::platform {
namespace {

class GatewayDocs : public testing::Test {
 protected:
  GatewayDocs() {
    PlatformInfo info;
    info.not_ready = [this] { return reason_; };
    info.metrics = [] { return std::string("market_orders_accepted_total 3\n"); };
    info.info = [] { return std::string(R"({"name":"market"})"); };
    add_platform_routes(router_, info);
  }

  http::Reply get(std::string_view path, std::vector<http::HeaderView> headers = {}) {
    http::Request request;
    request.path = request.target = path;
    request.trace_id = "0123456789abcdef0123456789abcdef";
    request.headers.assign(headers.begin(), headers.end());
    const auto match = router_.match(request);
    if (match.handler == nullptr) ADD_FAILURE() << "no route " << path;
    loopback_only_ = match.options->loopback_only;
    asio::io_context context;
    http::Reply reply;
    asio::co_spawn(context, (*match.handler)(request),
                   [&reply](std::exception_ptr error, Result<http::Reply> answer) {
                     ASSERT_FALSE(error);
                     ASSERT_TRUE(answer);
                     reply = std::move(*answer);
                   });
    context.run();
    return reply;
  }
  static std::string header(const http::Reply& reply, std::string_view name) {
    for (const auto& each : reply.headers)
      if (each.name == name) return each.value;
    return {};
  }

  http::Router router_;
  std::optional<std::string> reason_;
  bool loopback_only_ = false;
};

TEST_F(GatewayDocs, EveryProblemHasThePageThatItsTypeNames) {
  for (int i = 0; i <= static_cast<int>(last_code); ++i) {
    const auto problem = http::problem_reply(Error(static_cast<Code>(i), "x"), "t");
    const auto type = boost::json::parse(problem.body).at("type").as_string();
    const auto page = get({type.data(), type.size()});
    EXPECT_EQ(page.status, http::Status::ok) << type;
    EXPECT_NE(page.body.find("lang=\"ko\""), std::string::npos);
  }
  for (const auto status : {http::Status::method_not_allowed, http::Status::uri_too_long})
    EXPECT_EQ(get("/problems/" + http::code_of(status)).status, http::Status::ok);
}

TEST_F(GatewayDocs, TheDocumentIsTheSourceAsJson) {
  const auto reply = get("/openapi.json");
  const auto document = boost::json::parse(*reply.shared_body);
  EXPECT_EQ(document.at("openapi").as_string(), "3.1.0");
  EXPECT_TRUE(document.at("paths").as_object().contains("/api/v1/orders"));
  EXPECT_TRUE(header(reply, "Content-Encoding").empty());
}

TEST_F(GatewayDocs, WhoTakesGzipGetsTheSameFileAsItLies) {
  const auto plain = get("/docs/viewer.js");
  const auto packed = get("/docs/viewer.js", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(header(packed, "Content-Encoding"), "gzip");
  EXPECT_LT(packed.shared_body->size(), plain.shared_body->size() / 2);
  EXPECT_EQ(gunzip(*packed.shared_body), *plain.shared_body);
}

TEST_F(GatewayDocs, AnUnchangedFileIsNotSentAgain) {
  const std::string etag = header(get("/docs/viewer.css"), "ETag");
  const auto again = get("/docs/viewer.css", {{"If-None-Match", etag}});
  EXPECT_EQ(again.status, http::Status::not_modified);
  EXPECT_EQ(header(again, "ETag"), etag);
}

TEST_F(GatewayDocs, ThePageLoadsNothingFromElsewhereAndHasNoInlineScript) {
  const auto page = get("/docs");
  EXPECT_EQ(page.shared_body->find("http:"), std::string::npos);
  EXPECT_EQ(page.shared_body->find("https:"), std::string::npos);
  EXPECT_EQ(page.shared_body->find("<script>"), std::string::npos);
  EXPECT_NE(header(page, "Content-Security-Policy").find("script-src 'self';"), std::string::npos);
}

TEST_F(GatewayDocs, TheRootIsTheShopUnlessARoleHasAnotherHome) {
  EXPECT_EQ(get("/").status, http::Status::ok);
  http::Router registry;
  PlatformInfo info;
  info.home = "/registry";
  add_platform_routes(registry, info);
  http::Request request;
  request.path = request.target = "/store";
  EXPECT_EQ(registry.match(request).handler, nullptr);
}

TEST_F(GatewayDocs, ReadinessSaysWhyNot) {
  EXPECT_EQ(get("/health/ready").status, http::Status::ok);
  reason_ = "the event log is being read";
  const auto reply = get("/health/ready");
  EXPECT_EQ(reply.status, http::Status::unavailable);
  EXPECT_EQ(boost::json::parse(reply.body).at("detail").as_string(), *reason_);
  EXPECT_EQ(header(reply, "Retry-After"), "1");
  EXPECT_EQ(get("/health/live").status, http::Status::ok);
}

TEST_F(GatewayDocs, MetricsAndInfoAreForLoopbackOnly) {
  EXPECT_EQ(get("/metrics").body, "market_orders_accepted_total 3\n");
  EXPECT_TRUE(loopback_only_);
  EXPECT_EQ(get("/info").body, R"({"name":"market"})");
  EXPECT_TRUE(loopback_only_);
  get("/openapi.json");
  EXPECT_FALSE(loopback_only_);
}

}  // namespace
}  // namespace market::platform
