#include "Python.h" /* has all of it */
