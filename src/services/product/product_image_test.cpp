#include "services/product/product_image.hpp"

#include <gtest/gtest.h>

namespace market::product {
namespace {

using namespace std::string_literals;

const std::string png = "\x89PNG\r\n\x1A\n\0\0\0\rIHDR rest"s;
const std::string hash = "0123456789abcdef" + std::string(48, '7');

std::optional<Code> refusal(std::string_view body, std::string_view type) {
  http::Request request;
  request.body = body;
  request.headers.push_back({"Content-Type", type});
  const auto ok = expect_image(request);
  return ok ? std::nullopt : std::optional(ok.error().code);
}

TEST(ProductImage, IsToldByItsContent) {
  EXPECT_EQ(refusal(png, "image/png"), std::nullopt);
  EXPECT_EQ(refusal(png, "Image/PNG; q=1"), std::nullopt);
  EXPECT_EQ(refusal(png, "application/octet-stream"), std::nullopt);
  EXPECT_EQ(refusal(png, "image/jpeg"), Code::unsupported_media_type);
  EXPECT_EQ(refusal("<svg/>", "image/png"), Code::unsupported_media_type);
}

TEST(ProductImage, AnotherPictureHasAnotherAddress) {
  EXPECT_EQ(image_url_of(ProductId{10}, ""), "");
  EXPECT_EQ(image_url_of(ProductId{10}, hash),
            "/api/v1/products/" + ProductId{10}.text() + "/image?v=0123456789abcdef");
}

TEST(ProductImage, IsKeptUnderItsOwnAddressOnly) {
  EXPECT_EQ(image_caching_of(hash, "0123456789abcdef"), "public, max-age=31536000, immutable");
  EXPECT_EQ(image_caching_of(hash, std::nullopt), "public, max-age=60");
  EXPECT_EQ(image_caching_of(hash, "fedcba9876543210"), "no-store") << "it has replaced that one";
  EXPECT_EQ(image_caching_of(hash, ""), "no-store");
}

}  // namespace
}  // namespace market::product
