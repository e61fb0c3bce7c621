#pragma once
/// gzip for text answers that are worth it.

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace market::http {

inline constexpr std::size_t compress_bytes_min = 1024;

/// How much Accept-Encoding wants `coding`, by its name or by `*`, in thousandths; 0: not at all. `identity`
/// has one only where it is named.
int coding_weight(std::string_view accept_encoding, std::string_view coding);
/// Accept-Encoding names `coding` (or `*`) with a weight above 0, and not below that of `identity`.
bool accepts_coding(std::string_view accept_encoding, std::string_view coding);
bool accepts_gzip(std::string_view accept_encoding);
/// JSON, text, scripts, SVG; not images, archives or event streams.
bool is_compressible(std::string_view content_type);
/// Empty when zlib fails. Level 1 for what is written once, 6 for what is kept.
std::string gzip(std::string_view text, int level);

/// The compressed form is another representation, so its tag is another (RFC 9110 8.8.3.3): `"7.open-gzip"`.
/// A weak tag stands for both.
std::string tag_of_gzip(std::string_view tag);

/// Compressed forms of shared bodies, so that a document is compressed once per thread, not per request.
class GzipCache {
 public:
  /// Null when compressing does not help.
  std::shared_ptr<const std::string> of(const std::shared_ptr<const std::string>& body);

 private:
  static constexpr std::size_t entries_max = 64;
  struct Entry {
    std::weak_ptr<const std::string> original;
    std::shared_ptr<const std::string> compressed;
  };
  boost::unordered_flat_map<const std::string*, Entry> entries_;
};

}  // namespace market::http
