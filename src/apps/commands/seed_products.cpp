#include "apps/commands/seed_products.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/json.hpp>
#include <stdexcept>
#include <thread>

#include "apps/settings/settings.hpp"

namespace market::apps {
namespace {

constexpr std::chrono::hours sale_age{72};

http::BaseUrl base_of(const std::string& url) {
  auto base = http::parse_base_url(url);
  if (!base) throw UsageError("--url: " + base.error().detail);
  return std::move(*base);
}

std::string body_of(const ListProduct& product) {
  boost::json::object body{{"name", product.texts.name},
                           {"description", product.texts.description},
                           {"category", product.texts.category},
                           {"price",
                            {{"amount", product.terms.price.amount},
                             {"currency", std::string(product.terms.price.currency.text())}}},
                           {"stock", product.stock},
                           {"kind", "event"},
                           {"sale", {{"opensAt", format_rfc3339(product.terms.sale->opens_at)}}}};
  return boost::json::serialize(body);
}

ProductId id_in(const std::string& body) {
  boost::system::error_code wrong;
  const auto answer = boost::json::parse(body, wrong);
  const auto* id = wrong || !answer.is_object() ? nullptr : answer.as_object().if_contains("id");
  if (id && id->is_string())
    if (const auto parsed = ProductId::parse({id->as_string().data(), id->as_string().size()}))
      return *parsed;
  throw std::runtime_error("the server answers something else than a product");
}

}  // namespace

std::vector<ProductId> seed_products(const SeedOptions& options, const Clock& clock,
                                     const std::function<ProductId(ListProduct)>& list) {
  std::vector<ProductId> products;
  for (std::int64_t i = 0; i < options.products; ++i) {
    ListProduct listed;
    listed.texts.name = fmt::format("Load product {}", i + 1);
    listed.texts.description = "Made by market seed.";
    listed.texts.category = "load";
    listed.terms.price.amount = 10'000;
    listed.terms.kind = ProductKind::event;
    listed.terms.sale = Sale{clock.now() - sale_age, std::nullopt, std::nullopt};
    listed.stock = options.stock;
    products.push_back(list(std::move(listed)));
  }
  return products;
}

Shop::Shop(const std::string& url, const wire::AccessTokens& tokens, const Clock& clock)
    : tokens_(tokens),
      clock_(clock),
      seller_(IdSource(clock).next_as<UserId>()),
      client_(io_.get_executor(), base_of(url)) {}

ProductId Shop::list(const ListProduct& product) {
  constexpr Millis token_life{60'000}, busy_pause{200};
  constexpr int tries_max = 50, too_many = 429, busy = 503, created = 201;
  for (int tried = 1;; ++tried) {
    const Instant now = clock_.now();
    http::ClientRequest request;
    request.method = http::Method::post;
    request.path = "api/v1/products";
    request.accept = request.content_type = "application/json";
    request.body = body_of(product);
    const auto token = tokens_.sign(wire::Identity{seller_, {}, Role::admin, true, now + token_life}, now);
    request.headers.push_back({"authorization", "Bearer " + token});
    io_.restart();
    auto answer = asio::co_spawn(io_, client_.send(std::move(request)), asio::use_future);
    io_.run();
    const auto reply = answer.get();
    if (!reply)
      throw std::runtime_error(
          fmt::format("the store is served, and {} does not answer: name it with --url: {}",
                      client_.base().text(), reply.error().detail));
    if (reply->status == created) return id_in(reply->body);
    if ((reply->status != too_many && reply->status != busy) || tried == tries_max)
      throw std::runtime_error(
          fmt::format("{} answers {}: {}", client_.base().text(), reply->status, reply->body.substr(0, 300)));
    std::this_thread::sleep_for(busy_pause);
  }
}

}  // namespace market::apps
