#include "services/gateway/path_pattern.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/text.hpp"
#include "http/message/ascii.hpp"
#include "http/message/normal_path.hpp"
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

/// What no request's path can hold unescaped is written as it arrives.
std::string escaped(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (http::ascii::is(c, http::ascii::path) || c == '{' || c == '}')
      out += c;
    else
      out.append("%").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  return out;
}

}  // namespace

PathPattern::PathPattern(std::string text) : text_(std::move(text)) {
  if (!text_.starts_with('/')) throw std::invalid_argument("a path pattern starts with a slash: " + text_);
  if (text_.find(';') != std::string::npos)
    throw std::invalid_argument("a path is matched without its ';' parameters: " + text_);
  const auto normal = http::normal_path(escaped(text_));
  if (!normal) throw std::invalid_argument("no path that is ever routed fits: " + text_);
  exact_ = form_of(*normal);
  folded_ = form_of(http::lower_text(*normal));
}

PathPattern::Form PathPattern::form_of(std::string normal) {
  Form form;
  form.text = std::move(normal);
  std::string_view rest = form.text;
  while (!rest.empty()) {
    const auto segment = next_segment(rest);
    if (form.open_ended) throw std::invalid_argument("'**' can only be a pattern's end: " + form.text);
    if (segment == "**") {
      form.open_ended = true;
      continue;
    }
    const bool variable = is_variable(segment);
    if (!variable && segment.find_first_of("{}") != std::string_view::npos)
      throw std::invalid_argument("'{name}' is a whole segment, with a name: " + form.text);
    form.segments.emplace_back(variable ? std::string_view("*") : segment);
    if (form.segments.back().find('*') != std::string::npos) form.literal = false;
  }
  return form;
}

bool PathPattern::may_match_below(std::string_view prefix) const {
  const auto open = exact_.text.find_first_of("*{");
  const auto start = std::string_view(exact_.text).substr(0, open);
  return start.starts_with(prefix) || (open != std::string::npos && prefix.starts_with(start));
}

bool PathPattern::Form::matches(std::string_view path) const {
  if (literal) {
    if (!open_ended) return path == text;
    const auto size = text.size() - 3;  // Without "/**".
    if (path.size() < size || (path.size() > size && path[size] != '/')) return false;
    return path.starts_with(std::string_view(text).substr(0, size));
  }
  for (const auto& pattern : segments) {
    if (path.empty()) return false;
    const auto segment = next_segment(path);
    if (segment.empty() || !matches_segment(pattern, segment)) return false;
  }
  return open_ended || path.empty();
}

bool is_internal_path(std::string_view path) {
  static constexpr std::string_view names[] = {"metrics", "info", "eureka", "actuator", "internal"};
  if (path.size() < 2) return false;
  const auto segment = next_segment(path);
  const auto is_one = [](std::string_view name) {
    return std::any_of(std::begin(names), std::end(names), [name](std::string_view internal) {
      return name.size() == internal.size() && http::same_letters(name, internal);
    });
  };
  if (segment.find_first_of("%;?#") == std::string_view::npos) return is_one(segment);
  std::string name(segment);
  for (int times = 0; times < 2; ++times) {  // Some servers decode twice.
    std::string decoded;
    if (!http::percent_decode(name, false, decoded)) break;
    name = trimmed(std::string_view(decoded).substr(0, decoded.find_first_of(";?#")), " ");
  }
  if (name.empty()) return is_internal_path(path);  // Whoever trims blanks sees the next one first.
  return is_one(name);
}

}  // namespace market::gateway
