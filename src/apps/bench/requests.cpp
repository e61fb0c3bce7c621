#include "apps/bench/requests.hpp"

#include <fmt/format.h>

#include <iterator>

namespace market::apps::load {

Requests::Requests(RequestPlan plan) : plan_(std::move(plan)) {
  const auto get = [this](const std::string& path) {
    return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", path, plan_.host);
  };
  if (!plan_.path.empty()) gets_.push_back(get(plan_.path));
  for (const auto& product : plan_.products) {
    if (plan_.path.empty()) gets_.push_back(get("/api/v1/products/" + product));
    const auto body =
        fmt::format(R"({{"items":[{{"productId":"{}","quantity":{}}}]}})", product, plan_.quantity);
    bodies_.push_back(fmt::format("\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
  }
  buy_head_ = fmt::format("POST /api/v1/orders HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n",
                          plan_.host);
}

void Requests::append(std::uint64_t number, std::string& out) const {
  const auto turn = static_cast<std::uint64_t>(plan_.reads_per_buy) + 1;
  const bool buys = plan_.mode == Mode::buy || (plan_.mode == Mode::mixed && number % turn == 0);
  buys ? append_buy(number, out) : append_get(number, out);
}

void Requests::append_get(std::uint64_t number, std::string& out) const {
  out += gets_[number % gets_.size()];
}

void Requests::append_buy(std::uint64_t number, std::string& out) const {
  out += buy_head_;
  out += "Authorization: Bearer ";
  out += plan_.tokens[(plan_.first_user + number) % plan_.tokens.size()];
  fmt::format_to(std::back_inserter(out), "\r\nIdempotency-Key: {}-{}", plan_.key_prefix, number);
  out += bodies_[number % bodies_.size()];
}

}  // namespace market::apps::load
