#include "http/message/normal_path.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "http/message/ascii.hpp"
#include "http/message/target.hpp"

namespace market::http {
namespace {

bool is_unreserved(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/// Where it decodes to something that ends a segment, or a text, for some reader.
bool is_dangerous(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '/' || c == '\\' || byte < 0x20 || byte == 0x7F;
}

/// UTF-8 that is longer than it need be: old decoders read a slash or a dot out of it.
bool has_overlong(std::string_view bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    const auto first = static_cast<unsigned char>(bytes[i]),
               second = static_cast<unsigned char>(bytes[i + 1]);
    if ((second & 0xC0) != 0x80) continue;
    if (first == 0xC0 || first == 0xC1 || (first == 0xE0 && second < 0xA0) ||
        (first == 0xF0 && second < 0x90))
      return true;
  }
  return false;
}

/// Of escapes of escapes: `%252F` is a slash for whoever decodes twice.
bool is_dangerous_inside(std::string_view decoded) {
  if (std::any_of(decoded.begin(), decoded.end(), is_dangerous)) return true;
  std::string twice;
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    const int high = i + 2 < decoded.size() ? hex_value(decoded[i + 1]) : -1;
    const int low = i + 2 < decoded.size() ? hex_value(decoded[i + 2]) : -1;
    if (decoded[i] != '%' || high < 0 || low < 0) {
      twice += decoded[i];
      continue;
    }
    const char c = static_cast<char>(high * 16 + low);
    if (is_dangerous(c) || c == '.' || c == '%') return true;
    twice += c;
    i += 2;
  }
  return has_overlong(twice);
}

/// The next segment; `path` begins with its slash and loses both.
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);
  const auto end = path.find('/');
  const auto segment = path.substr(0, end);
  path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  return segment;
}

/// Empty: a bad escape.
std::string with_unreserved_decoded(std::string_view path) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out += path[i];
      continue;
    }
    if (i + 2 >= path.size()) return {};
    const int high = hex_value(path[i + 1]), low = hex_value(path[i + 2]);
    if (high < 0 || low < 0) return {};
    const char c = static_cast<char>(high * 16 + low);
    if (is_unreserved(c))
      out += c;
    else
      out.append("%").append(1, digits[high]).append(1, digits[low]);
    i += 2;
  }
  return out;
}

/// False: it leads above the root, or a segment could be a dot segment for some and a name for others.
bool append_resolved(std::string_view path, std::string& out) {
  while (!path.empty()) {
    const auto segment = next_segment(path);
    const bool last = path.empty();
    const auto name = segment.substr(0, segment.find(';'));
    const bool dots = name == "." || name == "..";
    if (name.size() != segment.size() && (dots || name.empty())) return false;
    if (!dots && !segment.empty()) {
      out.append("/").append(segment);
      continue;
    }
    if (name == "..") {
      if (out.empty()) return false;
      out.resize(out.rfind('/'));
    }
    if (last) out += '/';
  }
  if (out.empty()) out += '/';
  return true;
}

/// `/a%20/b` is a path of its own for RFC 3986 and for nearly everybody. Servers that split a path into words
/// (Spring before 4.3, CVE-2016-5007) read `/a/b`.
std::string with_trimmed_segments(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  while (path.starts_with('/')) out.append("/").append(trimmed(next_segment(path), " "));
  return out;
}

/// As it is when it leads above the root.
std::string resolved(const std::string& path) {
  std::string out;
  return path.starts_with('/') && append_resolved(path, out) ? out : path;
}

}  // namespace

bool is_plain_path(std::string_view path) {
  if (path.empty() || path.front() != '/') return false;
  char before = '\0';
  for (const char c : path) {
    if (c == '/' ? before == '/' : !is_unreserved(c)) return false;
    if (c == '.' && before == '/') return false;
    before = c;
  }
  return true;
}

std::optional<std::string> normal_path(std::string_view path) {
  if (path.empty() || path.front() != '/') return std::nullopt;
  const auto decoded = with_unreserved_decoded(path);
  std::string bytes;
  if (decoded.empty() || !percent_decode(path, false, bytes)) return std::nullopt;
  const auto slashes = [](std::string_view text) { return std::count(text.begin(), text.end(), '/'); };
  if (slashes(bytes) != slashes(path)) return std::nullopt;
  std::replace(bytes.begin(), bytes.end(), '/', 'x');  // Only those that were written as such.
  if (is_dangerous_inside(bytes)) return std::nullopt;
  std::string normal;
  normal.reserve(decoded.size());
  if (!append_resolved(decoded, normal)) return std::nullopt;
  return normal;
}

std::string without_parameters(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  bool inside = false;
  for (const char c : path) {
    inside = c == '/' ? false : inside || c == ';';
    if (!inside) out += c;
  }
  return out;
}

std::vector<std::string> readings_of(std::string_view normal) {
  std::vector<std::string> readings;
  const auto add = [&readings](std::string text) {
    for (char& c : text) c = lower(c);
    if (std::find(readings.begin(), readings.end(), text) == readings.end())
      readings.push_back(std::move(text));
  };
  add(std::string(normal));
  const auto decode = [](std::string_view text) {
    std::string decoded;
    return percent_decode(text, false, decoded) ? decoded : std::string(text);
  };
  if (normal.find_first_of("%;") != std::string_view::npos) {
    const auto once = decode(normal), twice = decode(once);
    for (const auto& text : {std::string(normal), once, twice}) {
      add(text);
      add(resolved(with_trimmed_segments(text)));
      // A parameter that is gone may leave an empty segment, or one of dots, behind.
      for (const auto& part : {without_parameters(text), text.substr(0, text.find_first_of("?#"))}) {
        add(resolved(part));
        add(resolved(with_trimmed_segments(part)));
      }
    }
    add(resolved(decode(without_parameters(normal))));
  }
  for (std::size_t i = 0, count = readings.size(); i < count; ++i) {
    auto other = readings[i];
    if (other.size() < 2) continue;
    if (other.back() == '/')
      other.pop_back();
    else
      other += '/';
    add(std::move(other));
  }
  return readings;
}

}  // namespace market::http
