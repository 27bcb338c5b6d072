"""Wire formats: the shape of requests and answers of one API family each, and the parsers they stand on."""
