#include "http/server/router.hpp"

#include <gtest/gtest.h>

namespace market::http {
namespace {

Task<Reply> nothing(const Request&) {
  co_return no_content();
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router.add(Method::get, "/a", nothing);
    router.add(Method::post, "/a", nothing);
    router.add(Method::get, "/a/{id}", nothing);
    router.add(Method::post, "/a/{id}/b/{other}", nothing);
    router.add(Method::get, "/a/fixed", nothing);
  }
  Router::Match match(Method method, std::string_view path) {
    request.method = method;
    request.path = path;
    return router.match(request);
  }
  Router router;
  Request request;
};

TEST_F(RouterTest, FindsPathsExactly) {
  EXPECT_EQ(router.route_names()[match(Method::get, "/a").route_index], "GET /a");
  EXPECT_EQ(router.route_names()[match(Method::head, "/a").route_index], "GET /a");
  EXPECT_EQ(router.route_names()[match(Method::get, "/a/fixed").route_index], "GET /a/fixed");
  for (const auto path : {"/", "/A", "/a/", "//a", "/a//", "/a/.", "/a/..", "/a/x/", "/a/%2e%2e", "/a/%2F",
                          "/a/%00", "/a/x%5cy", "/a%20", "/%20a", "/%20/a"})
    EXPECT_EQ(match(Method::get, path).handler, nullptr) << path;
}

TEST_F(RouterTest, MatchesTheNormalFormWhereItShould) {
  router.add(Method::get, "/api/v1/products", nothing);
  EXPECT_EQ(match(Method::get, "/api/v1//products").handler, nullptr);
  router.match_normal_form_below("/api/");
  for (const auto path : {"/api/v1//products", "//api/v1/products", "/api/./v1/products",
                          "/api/v1/x/../products", "/x/..//api/v1/product%73"})
    EXPECT_EQ(router.route_names()[match(Method::get, path).route_index], "GET /api/v1/products") << path;
  for (const auto path : {"//a", "/x/../a", "/api/v1/products/", "/api/v1/products;x=y", "/api/v1%2Fproducts",
                          "/api/v1/..;/v1/products", "/../api/v1/products"})
    EXPECT_EQ(match(Method::get, path).handler, nullptr) << path;
}

TEST_F(RouterTest, WhatLeadsAwayIsTheFallbacksWhateverIsKnownOfItsPath) {
  int asked = 0;
  router.wrap("GET /a/{id}", [](Handler handler) { return handler; });
  router.set_leads_away([&asked](const Request& r) { return ++asked, r.path == "/a/x"; });
  RouteOptions passed_on;
  passed_on.any_body = true;
  router.set_fallback(nothing, passed_on);
  for (const auto method : {Method::get, Method::put, Method::options}) {
    const auto away = match(method, "/a/%78");
    ASSERT_NE(away.handler, nullptr);
    EXPECT_TRUE(away.options->any_body);
    EXPECT_EQ(router.route_names()[away.route_index], "forwarded");
    EXPECT_EQ(request.path, "/a/%78") << "as it was sent";
    EXPECT_TRUE(request.parameters.empty());
  }
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(router.route_names()[match(Method::get, "/a/y").route_index], "GET /a/{id}");
  EXPECT_EQ(match(Method::put, "/a/y").status, Status::method_not_allowed);
  asked = 0;
  EXPECT_EQ(router.route_names()[match(Method::get, "/a").route_index], "GET /a");
  EXPECT_EQ(asked, 0) << "nothing stands before that one";
}

TEST_F(RouterTest, GivesDecodedParameters) {
  ASSERT_NE(match(Method::post, "/a/x%20y/b/%41").handler, nullptr);
  EXPECT_EQ(request.parameters[0], "x y");
  EXPECT_EQ(request.parameters[1], "A");
  EXPECT_EQ(router.route_names()[match(Method::get, "/a/fixed%20").route_index], "GET /a/{id}");
  EXPECT_EQ(request.parameters[0], "fixed ") << "a blank is part of the name: RFC 3986";
}

TEST_F(RouterTest, WhatIsWrittenOutGoesBeforeAParameter) {
  router.add(Method::get, "/{first}/x", nothing);
  router.add(Method::get, "/a/{id}/x", nothing);
  router.add(Method::get, "/a/b/{id}", nothing);
  router.add(Method::get, "/c/{id}/y", nothing);
  const auto found = [this](std::string_view path) {
    return router.route_names()[match(Method::get, path).route_index];
  };
  EXPECT_EQ(found("/a/b/x"), "GET /a/b/{id}");
  EXPECT_EQ(found("/a/d/x"), "GET /a/{id}/x");
  EXPECT_EQ(found("/a/x"), "GET /a/{id}");
  EXPECT_EQ(found("/c/x"), "GET /{first}/x") << "another path with the same beginning has more segments";
  EXPECT_EQ(found("/c/d/y"), "GET /c/{id}/y");
  for (const auto path : {"/c", "/c/", "/cc/d/y", "/c/d/y/", "/c/d/z", "/x"})
    EXPECT_EQ(match(Method::get, path).handler, nullptr) << path;
}

TEST_F(RouterTest, NamesTheMethodsOfAPath) {
  const auto found = match(Method::del, "/a");
  EXPECT_EQ(found.status, Status::method_not_allowed);
  EXPECT_EQ(found.allow, "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(match(Method::get, "/b").status, Status::not_found);
}

}  // namespace
}  // namespace market::http
