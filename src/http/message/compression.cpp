#include "http/message/compression.hpp"

#include <zlib.h>

#include "base/text.hpp"
#include "http/message/ascii.hpp"

namespace market::http {
namespace {

/// `q=0`, `q=0.0` and the like.
bool is_weight_zero(std::string_view parameters) {
  const auto text = trimmed(parameters);
  if (!text.starts_with("q=") && !text.starts_with("Q=")) return false;
  return text.substr(2).find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

bool accepts_coding(std::string_view list, std::string_view coding) {
  bool any = false;
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto item = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    const auto semicolon = item.find(';');
    const auto name = trimmed(item.substr(0, semicolon));
    const bool refused = semicolon != std::string_view::npos && is_weight_zero(item.substr(semicolon + 1));
    if (same_letters(name, coding) || (coding == "gzip" && same_letters(name, "x-gzip"))) return !refused;
    if (name == "*") any = !refused;
  }
  return any;
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
