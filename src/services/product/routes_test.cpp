#include "services/product/routes.hpp"

#include <gtest/gtest.h>

#include "services/product/catalogue.hpp"
#include "tests/support/board_gate.hpp"
#include "tests/support/service_routes.hpp"
#include "tests/support/test_pictures.hpp"

namespace market::product {
namespace {

using http::Method;
using http::Status;
using tests::header_of;

/// Pictures by a hash that is easy to read; bytes that a test breaks cannot be loaded.
class KeptPictures final : public Pictures {
 public:
  Task<std::string> store(std::shared_ptr<const std::string> bytes) override {
    if (failure) co_return fail(*failure, "asked for");
    const std::string digits = std::to_string(std::hash<std::string>()(*bytes));
    const std::string hash = digits + std::string(64 - digits.size(), 'a');
    kept[hash] = *bytes;
    co_return hash;
  }
  Task<std::string> load(std::string hash) override {
    if (failure) co_return fail(*failure, "asked for");
    const auto found = kept.find(hash);
    if (found == kept.end()) co_return fail(Code::not_found, "no such picture");
    co_return found->second;
  }
  std::map<std::string, std::string> kept;
  std::optional<Code> failure;
};

struct NoSizes final : PictureSizes {
  Task<std::string> find(std::string, std::uint32_t) override { co_return fail(Code::not_found, "none"); }
  Task<> keep(std::string, std::uint32_t, std::string) override { co_return Result<>(); }
};

const std::string png = tests::small_png();
const std::string body = R"({"name":"Shoes","price":{"amount":500,"currency":"KRW"},"stock":5)";

class ProductRoutesTest : public testing::Test {
 protected:
  ProductRoutesTest() {
    add_product_routes(service_.router, {service_.authenticator,
                                         gate_.board,
                                         gate_,
                                         pictures_,
                                         sizes_,
                                         {pool_, pool_},
                                         pool_,
                                         service_.clock});
  }
  std::string create(const std::string& more = "") {
    const auto reply = service_.ask(Method::post, all, body + more + "}", {seller_});
    EXPECT_TRUE(reply) << reply.error().detail;
    return header_of(*reply, "Location");
  }
  Result<http::Reply> get(const std::string& path, std::vector<tests::SentHeader> headers = {},
                          const std::string& query = "") {
    return service_.ask(Method::get, path, "", std::move(headers), query);
  }

  const std::string all = "/api/v1/products";
  tests::ServiceRoutes service_;
  tests::BoardGate gate_{service_.clock, render};
  KeptPictures pictures_;
  NoSizes sizes_;
  FairPool pool_{1, 8};
  tests::SentHeader seller_ = service_.sign_in(UserId{1}, Role::seller),
                    other_ = service_.sign_in(UserId{2}, Role::seller),
                    admin_ = service_.sign_in(UserId{3}, Role::admin),
                    buyer_ = service_.sign_in(UserId{4}, Role::customer);
};

TEST_F(ProductRoutesTest, ANewProductIsThereAtOnce) {
  const auto created = service_.ask(Method::post, all, body + "}", {seller_});
  ASSERT_TRUE(created);
  EXPECT_EQ(created->status, Status::created);
  const auto shown = get(header_of(*created, "Location"));
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->body, created->body);
  EXPECT_EQ(header_of(*shown, "ETag"), "\"1.open\"") << "the server makes a 304 of it";
}

TEST_F(ProductRoutesTest, ARepeatedCreateIsTheProductAsItIsNow) {
  const tests::SentHeader key{"Idempotency-Key", "k"};
  const auto first = service_.ask(Method::post, all, body + "}", {seller_, key});
  ASSERT_TRUE(first);
  const std::string path = header_of(*first, "Location");
  ASSERT_TRUE(service_.ask(Method::patch, path, R"({"name":"Boots"})", {seller_}));
  const auto again = service_.ask(Method::post, all, body + "}", {seller_, key});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->status, Status::created);
  EXPECT_EQ(header_of(*again, "Location"), path);
  EXPECT_EQ(header_of(*again, "Idempotency-Replayed"), "true");
  EXPECT_NE(again->body.find("Boots"), std::string::npos);
  EXPECT_EQ(header_of(*first, "Idempotency-Replayed"), "");
  EXPECT_EQ(service_.ask(Method::post, all, body + " }", {seller_, key}).error().code,
            Code::idempotency_mismatch);
  EXPECT_EQ(
      service_.ask(Method::post, path + "/stock", R"({"delta":1,"reason":"r"})", {seller_, key}).error().code,
      Code::idempotency_mismatch)
      << "another path";
  EXPECT_NE(header_of(*service_.ask(Method::post, all, body + "}", {other_, key}), "Location"), path)
      << "another seller's key is another key";
}

TEST_F(ProductRoutesTest, ARepeatedAdjustmentMovesNothing) {
  const std::string path = create() + "/stock";
  const tests::SentHeader key{"Idempotency-Key", "k"};
  const std::string more = R"({"delta":3,"reason":"delivery"})";
  EXPECT_NE(service_.ask(Method::post, path, more, {seller_, key})->body.find("\"remaining\":8"),
            std::string::npos);
  const auto again = service_.ask(Method::post, path, more, {seller_, key});
  ASSERT_TRUE(again);
  EXPECT_NE(again->body.find("\"remaining\":8"), std::string::npos);
  EXPECT_EQ(header_of(*again, "Idempotency-Replayed"), "true");
  EXPECT_NE(service_.ask(Method::post, path, more, {seller_})->body.find("\"remaining\":11"),
            std::string::npos);
}

/// Products stay in memory with their texts: one seller must not take it all.
TEST_F(ProductRoutesTest, ASellerAddsNoMoreInADayThanThereIsRoomFor) {
  std::string longest;
  for (int i = 0; i < 10'000; ++i) longest += "\uac00";
  const auto add = [&](const tests::SentHeader& who) {
    return service_.ask(Method::post, all, body + ",\"description\":\"" + longest + "\"}", {who});
  };
  int added = 0;
  auto answer = add(seller_);
  for (; answer && added < 2'000; ++added) answer = add(seller_);
  EXPECT_EQ(added, 1'078);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::rate_limited);
  EXPECT_GT(answer.error().extras->retry_after_seconds, 0);
  EXPECT_TRUE(add(other_)) << "another seller's room";
  EXPECT_TRUE(add(admin_));
}

TEST_F(ProductRoutesTest, IfMatchComparesTheVersionAlone) {
  const std::string path = create();
  const auto patch = [&](const char* match, const char* name) {
    return service_.ask(Method::patch, path, std::string(R"({"name":")") + name + "\"}",
                        {seller_, {"If-Match", match}});
  };
  EXPECT_EQ(header_of(*patch("\"1.sold_out\"", "a"), "ETag"), "\"2.open\"");
  EXPECT_EQ(patch("\"1.open\"", "b").error().code, Code::precondition_failed);
  EXPECT_EQ(patch("\"12.open\"", "b").error().code, Code::precondition_failed);
  EXPECT_EQ(patch("W/\"2.open\"", "b").error().code, Code::precondition_failed) << "weak";
  EXPECT_TRUE(patch("\"x\", \"2.open-gzip\"", "c")) << "as it was read compressed";
  EXPECT_TRUE(patch("*", "d"));
  EXPECT_EQ(patch("2", "e").error().code, Code::bad_request);
  EXPECT_EQ(header_of(*patch("*", "d"), "ETag"), "\"4.open\"") << "nothing has changed";
}

TEST_F(ProductRoutesTest, WhatIsNotPublishedIsThereForItsSellerAlone) {
  const std::string path =
      create(R"(,"publishAt":")" + format_rfc3339(service_.clock.now() + Millis(1)) + "\"");
  const std::string hidden[] = {path, path + "/stock", path + "/stock/stream", path + "/image"};
  for (const std::string& each : hidden) {
    EXPECT_EQ(get(each).error().code, Code::product_not_found) << each;
    EXPECT_EQ(get(each, {buyer_}).error().code, Code::product_not_found) << each;
    EXPECT_EQ(get(each, {other_}).error().code, Code::product_not_found) << each;
  }
  EXPECT_TRUE(get(path, {seller_}));
  EXPECT_TRUE(get(path, {admin_}));
  EXPECT_TRUE(get(path + "/stock", {seller_}));
  ASSERT_TRUE(service_.ask(Method::put, path + "/image", png, {seller_, {"Content-Type", "image/png"}}));
  EXPECT_EQ(header_of(*get(path + "/image", {seller_}), "Cache-Control"), "private, no-store");
  for (const auto& stranger : {buyer_, other_})
    EXPECT_EQ(get(all, {stranger})->body, R"({"items":[],"nextCursor":null})");
  EXPECT_EQ(get(all)->body, R"({"items":[],"nextCursor":null})");
  for (const auto& insider : {seller_, admin_})
    EXPECT_NE(get(all, {insider})->body, R"({"items":[],"nextCursor":null})");
  EXPECT_EQ(service_.ask(Method::patch, path, R"({"name":"x"})", {other_}).error().code,
            Code::product_not_found);
  EXPECT_TRUE(service_.ask(Method::patch, path, R"({"name":"x"})", {seller_}));
  service_.clock.time += Millis(1);
  for (const std::string& each : hidden) EXPECT_TRUE(get(each)) << each;
  EXPECT_NE(get(all)->body.find("\"x\""), std::string::npos);
}

/// Ends the session of whoever listens once it has heard something.
class EndingStream final : public http::Stream {
 public:
  explicit EndingStream(std::function<void()> end) : end_(std::move(end)) {}
  Task<> write(std::string) override {
    if (++written == 1) end_();
    if (written > 2) co_return fail(Code::unavailable, "nobody listens any more");
    co_return Result<>();
  }
  int written = 0;

 private:
  std::function<void()> end_;
};

TEST_F(ProductRoutesTest, AStreamOfWhatIsNotPublishedEndsWithTheSessionOfItsListener) {
  const std::string path =
      create(R"(,"publishAt":")" + format_rfc3339(service_.clock.now() + Millis(99'999'000)) + "\"");
  const auto reply = get(path + "/stock/stream", {seller_});
  ASSERT_TRUE(reply && reply->stream);
  EndingStream stream([this] { service_.clock.time += Millis(3'600'001); });
  service_.io.restart();
  auto served = asio::co_spawn(service_.io, reply->stream(stream), asio::use_future);
  service_.io.run_for(Millis(3'000));
  ASSERT_EQ(served.wait_for(Millis(0)), std::future_status::ready) << "it outlives the token";
  EXPECT_EQ(stream.written, 1);
}

TEST_F(ProductRoutesTest, APictureIsKeptUnderItsOwnAddressOnly) {
  const std::string path = create();
  const auto put = [&](const std::string& bytes) {
    const auto reply =
        service_.ask(Method::put, path + "/image", bytes, {seller_, {"Content-Type", "image/png"}});
    EXPECT_TRUE(reply);
    const std::string& text = reply->body;
    const auto at = text.find("?v=") + 3;
    return text.substr(at, text.find('"', at) - at);
  };
  const std::string first = put(png), second = put(tests::small_png("2"));
  EXPECT_NE(first, second);
  const auto caching = [&](const std::string& version) {
    const auto reply = get(path + "/image", {}, version);
    EXPECT_EQ(*reply->shared_body, tests::small_png("2"));
    EXPECT_EQ(header_of(*reply, "Cross-Origin-Resource-Policy"), "cross-origin");
    return header_of(*reply, "Cache-Control");
  };
  EXPECT_EQ(caching("v=" + second), "public, max-age=31536000, immutable");
  EXPECT_EQ(caching(""), "public, max-age=60");
  EXPECT_EQ(caching("v=" + first), "no-store");
  EXPECT_EQ(get(path + "/image", {{"If-None-Match", '"' + second + '"'}})->status, Status::not_modified);
  pictures_.failure = Code::unavailable;
  EXPECT_EQ(get(path + "/image").error().code, Code::unavailable);
  EXPECT_EQ(
      service_.ask(Method::put, path + "/image", png, {seller_, {"Content-Type", "image/png"}}).error().code,
      Code::unavailable);
  EXPECT_NE(get(path)->body.find(second), std::string::npos) << "no event names bytes that were not stored";
}

TEST_F(ProductRoutesTest, AWithdrawnProductIsGone) {
  const std::string path = create();
  EXPECT_EQ(service_.ask(Method::del, path, "", {other_}).error().code, Code::product_not_found);
  EXPECT_EQ(service_.ask(Method::del, path, "", {buyer_}).error().code, Code::forbidden);
  EXPECT_EQ(service_.ask(Method::del, path, "", {seller_})->status, Status::no_content);
  EXPECT_EQ(get(path, {seller_}).error().code, Code::product_not_found);
  EXPECT_EQ(service_.ask(Method::del, path, "", {seller_}).error().code, Code::product_not_found);
}

TEST_F(ProductRoutesTest, WhenTheGateFailsNothingIsShown) {
  gate_.gate_failure = Code::overloaded;
  EXPECT_EQ(service_.ask(Method::post, all, body + "}", {seller_}).error().code, Code::overloaded);
  EXPECT_EQ(get(all)->body, R"({"items":[],"nextCursor":null})");
}

}  // namespace
}  // namespace market::product
