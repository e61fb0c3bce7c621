#pragma once
/// Eureka's XML: what a client gets that does not ask for JSON.

#include "wire/eureka/eureka_json.hpp"

namespace market::wire::eureka {

void append_xml(std::string& out, const RegisteredInstance& instance, Detail detail);

/// Builds `<applications>`; the instances must come grouped by application.
class XmlApplications {
 public:
  explicit XmlApplications(Detail detail) : detail_(detail) {}
  void add(const RegisteredInstance& instance);
  std::string finish(std::string_view version, std::string_view hash);

 private:
  Detail detail_;
  std::string text_;
  std::string app_;
};
std::string xml_application(std::string_view name, const std::vector<RegisteredInstance>& instances,
                            Detail detail);

/// `<instance>…</instance>`, to be judged by check_registration. Errors: bad_request (not XML), validation.
Result<RegisteredInstance> parse_xml_instance(std::string_view text);

}  // namespace market::wire::eureka
