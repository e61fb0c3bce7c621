#pragma once
/// Eureka's XML: what a client gets that does not ask for JSON.

#include "wire/eureka/eureka_json.hpp"

namespace market::wire::eureka {

void append_xml(std::string& out, const Instance& instance, Detail detail);

/// Builds `<applications>`; the instances must come grouped by application.
class XmlApplications {
 public:
  explicit XmlApplications(Detail detail) : detail_(detail) {}
  void add(const Instance& instance);
  std::string finish(std::string_view version, std::string_view hash);

 private:
  Detail detail_;
  std::string text_;
  std::string app_;
};
std::string xml_application(std::string_view name, const std::vector<Instance>& instances, Detail detail);

/// `<instance>…</instance>`. Errors: bad_request (not XML), validation, payload_too_large.
Result<Instance> parse_xml_instance(std::string_view text);

}  // namespace market::wire::eureka
