#include "services/gateway/coalescer.hpp"

#include <boost/asio/post.hpp>

namespace market::gateway {

void Coalescer::Flight::land(std::optional<http::Reply> answer) {
  if (landed) return;
  landed = true;
  reply = std::move(answer);
  for (auto& waiter : std::exchange(joined_, {})) std::move(waiter)();
}

std::shared_ptr<Coalescer::Flight> Coalescer::find(const std::string& key) {
  const auto found = flights_.find(key);
  if (found == flights_.end()) return nullptr;
  auto flight = found->second.lock();
  if (!flight || flight->landed || flight->joined_count() >= joined_max) return nullptr;
  return flight;
}

std::shared_ptr<Coalescer::Flight> Coalescer::begin(const std::string& key, http::IoThread& thread) {
  auto flight = std::make_shared<Flight>();
  if (flights_.empty()) asio::post(thread.io(), [this] { flights_.clear(); });
  flights_[key] = flight;
  return flight;
}

std::string coalescing_key(const http::Request& request) {
  if (request.method != http::Method::get) return {};
  std::string_view accept, coding, host;
  for (const auto& field : request.headers) {
    switch (field.name.size()) {
      case 4:
        if (http::same_letters(field.name, "host")) host = field.value;
        break;
      case 5:
        if (http::same_letters(field.name, "range")) return {};
        break;
      case 6:
        if (http::same_letters(field.name, "cookie") || http::same_letters(field.name, "origin")) return {};
        if (http::same_letters(field.name, "accept")) accept = field.value;
        break;
      case 13:
        if (http::same_letters(field.name, "authorization") ||
            http::same_letters(field.name, "if-none-match"))
          return {};
        break;
      case 15:
        if (http::same_letters(field.name, "accept-encoding")) coding = field.value;
        if (http::same_letters(field.name, "accept-language")) return {};
        break;
      case 17:
        if (http::same_letters(field.name, "if-modified-since")) return {};
        break;
      default:
        break;
    }
  }
  if (accept.find("event-stream") != std::string_view::npos) return {};
  std::string key;
  key.reserve(request.target.size() + accept.size() + coding.size() + host.size() + 3);
  key.append(request.target)
      .append("\n")
      .append(accept)
      .append("\n")
      .append(coding)
      .append("\n")
      .append(host);
  return key;
}

}  // namespace market::gateway
