"""Similarity graphs, products with their weights, and the graph convolutional network on them."""

from csl.graph.backends import DGL_EDGE_LIMIT, Backend, check_backend, propagation
from csl.graph.graph import DenseGraph, Graph, SparseGraph, TiledGraph
from csl.graph.layers import GCN, GraphConvolution, NodeNorm
from csl.graph.propagation import Propagation
from csl.graph.similarity import check_neighbors, similarity_graph, similarity_graphs

__all__ = [
    "DGL_EDGE_LIMIT",
    "GCN",
    "Backend",
    "DenseGraph",
    "Graph",
    "GraphConvolution",
    "NodeNorm",
    "Propagation",
    "SparseGraph",
    "TiledGraph",
    "check_backend",
    "check_neighbors",
    "propagation",
    "similarity_graph",
    "similarity_graphs",
]
