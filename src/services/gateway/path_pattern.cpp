#include "services/gateway/path_pattern.hpp"

#include <algorithm>
#include <stdexcept>

#include "http/message/ascii.hpp"
#include "http/message/target.hpp"

namespace market::gateway {
namespace {

/// Takes the first segment out of "/a/b"; the rest begins with a slash or is empty.
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);
  const auto end = path.find('/');
  const auto segment = path.substr(0, end);
  path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  return segment;
}

/// `*` stands for any text. Greedy with one way back: linear in practice, quadratic at the very worst.
bool matches_segment(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

/// `{name}`: letters, digits, '_' and '-'.
bool is_variable(std::string_view segment) {
  if (segment.size() < 3 || segment.front() != '{' || segment.back() != '}') return false;
  const auto name = segment.substr(1, segment.size() - 2);
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (http::lower(c) >= 'a' && http::lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

PathPattern::PathPattern(std::string text) : text_(std::move(text)) {
  if (!text_.starts_with('/')) throw std::invalid_argument("a path pattern starts with a slash: " + text_);
  std::string_view rest = text_;
  while (!rest.empty()) {
    const auto segment = next_segment(rest);
    if (open_ended_) throw std::invalid_argument("'**' can only be a pattern's end: " + text_);
    if (segment == "**") {
      open_ended_ = true;
      continue;
    }
    const bool variable = is_variable(segment);
    if (!variable && segment.find_first_of("{}") != std::string_view::npos)
      throw std::invalid_argument("'{name}' is a whole segment, with a name: " + text_);
    segments_.emplace_back(variable ? std::string_view("*") : segment);
    if (segments_.back().find('*') != std::string::npos) literal_ = false;
  }
}

bool PathPattern::matches(std::string_view path) const {
  if (literal_) {
    if (!open_ended_) return path == text_;
    const auto prefix = std::string_view(text_).substr(0, text_.size() - 3);  // Without "/**".
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
  }
  for (const auto& pattern : segments_) {
    if (path.empty()) return false;
    const auto segment = next_segment(path);
    if (segment.empty() || !matches_segment(pattern, segment)) return false;
  }
  return open_ended_ || path.empty();
}

bool is_ambiguous_path(std::string_view path) {
  if (!path.starts_with('/')) return true;
  // Nearly every path has none of these.
  if (path.find_first_of("%.;") == std::string_view::npos && path.find("//") == std::string_view::npos)
    return false;
  std::string decoded;
  if (!http::percent_decode(path, false, decoded)) return true;
  if (std::count(decoded.begin(), decoded.end(), '/') != std::count(path.begin(), path.end(), '/'))
    return true;
  for (const char c : decoded)
    if (c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  std::string_view rest = decoded;
  while (!rest.empty()) {
    const auto segment = next_segment(rest);
    const auto name = segment.substr(0, segment.find(';'));
    if (name == "." || name == ".." || (name.empty() && !rest.empty())) return true;
    if (name.find('%') != std::string_view::npos && name.find("%2") != std::string_view::npos) return true;
  }
  return false;
}

bool is_internal_path(std::string_view path) {
  static constexpr std::string_view names[] = {"metrics", "info", "eureka", "actuator", "internal"};
  if (path.size() < 2) return false;
  const auto first = next_segment(path);
  std::string decoded;
  if (!http::percent_decode(first, false, decoded)) return true;
  const auto name = std::string_view(decoded).substr(0, decoded.find(';'));
  return std::any_of(std::begin(names), std::end(names),
                     [name](std::string_view internal) { return http::same_letters(name, internal); });
}

}  // namespace market::gateway
