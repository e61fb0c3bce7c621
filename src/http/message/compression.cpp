#include "http/message/compression.hpp"

#include <zlib.h>

#include <algorithm>

#include "base/text.hpp"
#include "http/message/ascii.hpp"

namespace market::http {
namespace {

constexpr int whole_weight = 1000;

/// In thousandths: `q=0.5` is 500. Whatever is no weight is none, and then it is 1.
int weight_of(std::string_view parameters) {
  const auto text = trimmed(parameters);
  if (!text.starts_with("q=") && !text.starts_with("Q=")) return whole_weight;
  int weight = 0, digit = whole_weight;
  for (const char c : text.substr(2)) {
    if (c == '.') continue;
    if (c < '0' || c > '9') return whole_weight;
    weight += (c - '0') * digit;
    digit /= 10;
  }
  return std::min(weight, whole_weight);
}

}  // namespace

int coding_weight(std::string_view list, std::string_view coding) {
  int any = 0;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto item = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    const auto semicolon = item.find(';');
    const auto name = trimmed(item.substr(0, semicolon));
    const int weight =
        semicolon == std::string_view::npos ? whole_weight : weight_of(item.substr(semicolon + 1));
    if (same_letters(name, coding) || (coding == "gzip" && same_letters(name, "x-gzip"))) return weight;
    if (name == "*" && coding != "identity") any = weight;
  }
  return any;
}

bool accepts_coding(std::string_view list, std::string_view coding) {
  const int weight = coding_weight(list, coding);
  return weight > 0 && weight >= coding_weight(list, "identity");
}

bool accepts_gzip(std::string_view list) {
  return accepts_coding(list, "gzip");
}

std::string tag_of_gzip(std::string_view tag) {
  std::string own(tag);
  if (own.size() >= 2 && own.front() == '"' && own.back() == '"') own.insert(own.size() - 1, "-gzip");
  return own;
}

bool is_compressible(std::string_view type) {
  if (type.starts_with("text/event-stream")) return false;
  return type.starts_with("text/") || type.starts_with("application/json") ||
         type.starts_with("application/problem+json") || type.starts_with("application/javascript") ||
         type.starts_with("application/xml") || type.starts_with("application/manifest+json") ||
         type.starts_with("image/svg+xml");
}

std::string gzip(std::string_view text, int level) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16;
  if (deflateInit2(&stream, level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // zlib only reads it.
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(result == Z_STREAM_END ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

std::shared_ptr<const std::string> GzipCache::of(const std::shared_ptr<const std::string>& body) {
  if (const auto found = entries_.find(body.get()); found != entries_.end()) {
    if (found->second.original.lock() == body) return found->second.compressed;
    entries_.erase(found);
  }
  if (entries_.size() >= entries_max)
    boost::unordered::erase_if(entries_, [](const auto& entry) { return entry.second.original.expired(); });
  if (entries_.size() >= entries_max) entries_.clear();
  auto text = gzip(*body, 6);
  if (text.size() >= body->size()) text.clear();
  auto compressed = text.empty() ? nullptr : std::make_shared<const std::string>(std::move(text));
  entries_[body.get()] = {body, compressed};
  return compressed;
}

}  // namespace market::http
