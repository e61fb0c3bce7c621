#pragma once
/// Whole pictures for tests.

#include <string>

namespace market::tests {

/// A PNG of one red pixel. `text` makes another file of it, with the same pixel: bytes within a text chunk
/// whose sum readers do not insist on.
inline std::string small_png(const std::string& text = "") {
  using namespace std::string_literals;
  const std::string head = "\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\b\x02\0\0\0\x90wS\xDE"s;
  const std::string rest =
      "\0\0\0\fIDATx\x9C\x63\xF8\xCF\xC0\0\0\x03\x01\x01\0\xC9\xFE\x92\xEF\0\0\0\0IEND\xAE\x42\x60\x82"s;
  if (text.empty()) return head + rest;
  return head + "\0\0\0"s + static_cast<char>(text.size()) + "teXt" + text + "\0\0\0\0"s + rest;
}

}  // namespace market::tests
