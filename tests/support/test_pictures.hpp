#pragma once
/// Whole pictures for tests.

#include <gtest/gtest.h>
#include <png.h>

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

/// `rgba`: four bytes a pixel, row by row.
inline std::string png_of(const std::string& rgba, std::uint32_t width, std::uint32_t height) {
  png_image writer{};
  writer.version = PNG_IMAGE_VERSION;
  writer.width = width;
  writer.height = height;
  writer.format = PNG_FORMAT_RGBA;
  png_alloc_size_t size = 0;
  EXPECT_NE(png_image_write_get_memory_size(writer, size, 0, rgba.data(), 0, nullptr), 0);
  std::string bytes(size, '\0');
  EXPECT_NE(png_image_write_to_memory(&writer, bytes.data(), &size, 0, rgba.data(), 0, nullptr), 0);
  bytes.resize(size);
  return bytes;
}

}  // namespace market::tests
