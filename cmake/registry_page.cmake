# The registry's dashboard, embedded into its service.
include(embed)
market_embed(market_services_registry registry_page ${CMAKE_SOURCE_DIR}/api/registry/index.html)
market_embed(market_services_registry registry_script ${CMAKE_SOURCE_DIR}/api/registry/registry.js)
market_embed(market_services_registry registry_style ${CMAKE_SOURCE_DIR}/api/registry/style.css)
