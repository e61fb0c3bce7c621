#include "services/product/admin_routes.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "services/product/catalogue.hpp"
#include "tests/support/board_gate.hpp"
#include "tests/support/service_routes.hpp"

namespace market::product {
namespace {

using http::Method;

class AdminProductRoutesTest : public testing::Test {
 protected:
  AdminProductRoutesTest() {
    add_admin_product_routes(
        service_.router,
        {service_.authenticator, gate_.board, gate_, {searching_, sorting_}, service_.clock});
    ProductTerms terms;
    terms.price.amount = 500;
    const auto listed =
        gate_.decided(Command(ListProduct{terms, ProductTexts{"Shoes", "", "Running", ""}, 2}));
    EXPECT_TRUE(listed);
  }
  std::string body_of(const std::string& path, const std::string& query = "") {
    const auto reply = service_.ask(Method::get, path, "", {chief_}, query);
    return reply ? reply->body : reply.error().detail;
  }

  tests::ServiceRoutes service_;
  tests::BoardGate gate_{service_.clock, render};
  FairPool searching_{1, 4}, sorting_{1, 4};
  tests::SentHeader chief_ = service_.sign_in(UserId{1}, Role::admin);
};

/// Whether the search was still under way when the others were answered.
struct SlowSearch {
  static constexpr std::chrono::seconds longest{5};
  std::promise<void> answered;
  bool waited_for = true;
  Result<> operator()() {
    waited_for = answered.get_future().wait_for(longest) == std::future_status::timeout;
    return {};
  }
};

TEST_F(AdminProductRoutesTest, WhatReadsNoTextsWaitsForNoSearch) {
  SlowSearch search;
  asio::io_context elsewhere;
  asio::co_spawn(elsewhere, searching_.run("stranger", [&search] { return search(); }), asio::use_future);
  std::thread runs([&] { elsewhere.run(); });
  EXPECT_NE(body_of("/api/v1/categories").find("Running"), std::string::npos);
  EXPECT_NE(body_of("/api/v1/admin/products").find("Shoes"), std::string::npos);
  search.answered.set_value();
  runs.join();
  EXPECT_FALSE(search.waited_for);
  EXPECT_NE(body_of("/api/v1/admin/products", "search=shoe").find("Shoes"), std::string::npos);
}

}  // namespace
}  // namespace market::product
