#include "wire/eureka/xml_writer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/json/unicode.hpp"

namespace market::wire::eureka {
namespace {

bool is_xml_character(char32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c != 0xFFFE && c != 0xFFFF;
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '&' && c != '<' && c != '>' && c != '"';
}

void append_escaped(std::string& out, std::string_view text, bool attribute) {
  while (!text.empty()) {
    const auto plain =
        static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    const std::string_view before = text;
    const auto character = take_character(text);
    if (!character) text.remove_prefix(1);
    if (!character || !is_xml_character(*character)) {
      out += replacement_character;
    } else if (*character == '&') {
      out += "&amp;";
    } else if (*character == '<') {
      out += "&lt;";
    } else if (*character == '>') {
      out += "&gt;";
    } else if (*character == '"' && attribute) {
      out += "&quot;";
    } else if (*character == '\r' || (*character < 0x20 && attribute)) {
      // Written as they are, a reader would make line feeds and blanks of them.
      out += fmt::format("&#{};", static_cast<unsigned>(*character));
    } else {
      out.append(before.substr(0, before.size() - text.size()));
    }
  }
}

}  // namespace

bool is_xml_text(std::string_view text) {
  while (!text.empty()) {
    const auto character = take_character(text);
    if (!character || !is_xml_character(*character)) return false;
  }
  return true;
}

bool is_xml_name(std::string_view name) {
  if (name.empty()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool inner = letter || (c >= '0' && c <= '9') || c == '.' || c == '-';
    if (i == 0 ? !letter : !inner) return false;
  }
  return true;
}

XmlWriter& XmlWriter::begin(std::string_view element) {
  out_.append("<").append(element).append(">");
  return *this;
}

XmlWriter& XmlWriter::begin(std::string_view element, const Attribute& attribute) {
  out_.append("<").append(element).append(" ").append(attribute.name).append("=\"");
  append_escaped(out_, attribute.value, true);
  out_.append("\">");
  return *this;
}

XmlWriter& XmlWriter::end(std::string_view element) {
  out_.append("</").append(element).append(">");
  return *this;
}

XmlWriter& XmlWriter::text(std::string_view text) {
  append_escaped(out_, text, false);
  return *this;
}

XmlWriter& XmlWriter::element(std::string_view name, std::int64_t number) {
  const fmt::format_int digits(number);
  return element(name, std::string_view(digits.data(), digits.size()));
}

XmlWriter& XmlWriter::entries(const std::map<std::string, std::string>& entries) {
  for (const auto& [key, value] : entries)
    if (is_xml_name(key)) element(key, value);
  return *this;
}

}  // namespace market::wire::eureka
