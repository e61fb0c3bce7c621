#pragma once
/// XML out: every text, attribute and name of an element is encoded or judged here.
///
///   XmlWriter xml(body);
///   xml.begin("port", {"enabled", "true"}).text("8080").end("port");
///   xml.entries(metadata);

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace market::wire::eureka {

/// Whether XML 1.0 can carry all of it: UTF-8, without control characters but tab and line breaks, without
/// U+FFFE and U+FFFF (§2.2).
bool is_xml_text(std::string_view text);
/// Whether every XML parser takes it as an element's name: ASCII, no colon.
bool is_xml_name(std::string_view name);

class XmlWriter {
 public:
  struct Attribute {
    std::string_view name, value;
  };
  /// Appends to `out`, which outlives it.
  explicit XmlWriter(std::string& out) : out_(out) {}
  XmlWriter(const XmlWriter&) = delete;

  XmlWriter& begin(std::string_view element);
  XmlWriter& begin(std::string_view element, const Attribute& attribute);
  XmlWriter& end(std::string_view element);
  XmlWriter& text(std::string_view text);
  XmlWriter& element(std::string_view name, std::string_view text) {
    return begin(name).text(text).end(name);
  }
  XmlWriter& element(std::string_view name, std::int64_t number);
  /// One element for each; those whose key is no name of an element are left out.
  XmlWriter& entries(const std::map<std::string, std::string>& entries);

 private:
  std::string& out_;
};

}  // namespace market::wire::eureka
